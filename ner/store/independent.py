"""Articles that two people read independently: what each said, where they differ, and how that is settled.

What an independent reader says is kept with the queue (columns `queue` of both tables) and counts for
nothing, nor is it shown to the other. Where both said the same, and where somebody has settled the
differences, decisions like all others are added, which count.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Rejected, Span
from ner.store.decisions import (
    Place,
    Said,
    columns,
    insert_row,
    lock_text,
    place_of,
    standing_decisions,
    why_crossing,
)
from ner.store.schema import articles, chunks, queue_articles, queues, reviews, span_decisions
from ner.store.verdicts import RIGHT, WRONG, stands, was_read


@dataclass(frozen=True, slots=True)
class Versions:
    """An article as its first two independent readers left it.

    Args:
        names: theirs, in the order in which they finished.
        verdicts: of each span that one of them decided on, whether the first and the second called it right.
    """

    names: tuple[str, str]
    verdicts: Mapping[Place, tuple[bool, bool]]

    def right(self, side: int) -> set[Place]:
        """The spans that one of them called right; `side` is 0 or 1."""
        return {place for place, verdicts in self.verdicts.items() if verdicts[side]}

    @property
    def differing(self) -> set[Place]:
        """The spans on which they differ."""
        return {place for place, (first, second) in self.verdicts.items() if first != second}


def readers_of(connection: Connection, queue: int) -> int:
    """How many people read each article of a queue."""
    return connection.scalar(sa.select(queues.c.readers).where(queues.c.number == queue)) or 1


def is_open(connection: Connection, article: int, queue: int) -> bool:
    """True where an article waits for independent readers of a queue, or for somebody to settle it."""
    return connection.scalar(_open(), {"article": article, "queue": queue}) is not None


@cache
def _open() -> sa.Select[Any]:
    return (
        sa.select(articles.c.number)
        .join(queue_articles, queue_articles.c.article == articles.c.number)
        .join(queues, queues.c.number == queue_articles.c.queue)
        .where(articles.c.number == sa.bindparam("article"), queues.c.readers > 1)
        .where(queues.c.number == sa.bindparam("queue"), ~was_read())
    )


def count_readers(queue: Any) -> sa.ScalarSelect[int]:
    """Of an article of a query: how many independent readers of a queue have finished it."""
    finished = sa.select(sa.func.count(reviews.c.reviewer.distinct())).where(*_finished(queue))
    return finished.correlate(articles, queue_articles, queues).scalar_subquery()


def finished_by(reviewer: Any, queue: Any) -> sa.ColumnElement[bool]:
    """A condition on `articles`: this independent reader of a queue has finished it."""
    return sa.exists().where(*_finished(queue), reviews.c.reviewer == reviewer)


def _finished(queue: Any) -> Sequence[sa.ColumnElement[bool]]:
    return (
        reviews.c.article == articles.c.number,
        reviews.c.text_hash == articles.c.text_hash,
        reviews.c.queue == queue,
        stands(reviews),
    )


def said_by(connection: Connection, article: int, queue: int, reviewer: str) -> list[Any]:
    """What an independent reader said about the spans of an article and that stands, oldest first."""
    query = sa.select(span_decisions).where(
        span_decisions.c.article == article,
        span_decisions.c.queue == queue,
        span_decisions.c.reviewer == reviewer,
        stands(span_decisions),
    )
    return list(connection.execute(query.order_by(span_decisions.c.number)))


def versions(connection: Connection, queue: int, numbers: Sequence[int]) -> dict[int, Versions]:
    """For articles by number: what two independent readers made of them, where two have finished."""
    found = {}
    for chunk in chunks(numbers):
        readers: dict[int, list[str]] = {}
        query = (
            sa.select(reviews.c.article, reviews.c.reviewer)
            .join(articles, articles.c.number == reviews.c.article)
            .where(reviews.c.article.in_(chunk), *_finished(queue))
            .order_by(reviews.c.number)
        )
        for row in connection.execute(query):
            names = readers.setdefault(row.article, [])
            if row.reviewer not in names:
                names.append(row.reviewer)
        said: dict[int, dict[str, dict[Place, bool]]] = {}
        decisions = sa.select(span_decisions).where(
            span_decisions.c.article.in_(chunk),
            span_decisions.c.queue == queue,
            stands(span_decisions),
        )
        for row in connection.execute(decisions.order_by(span_decisions.c.number)):
            own = said.setdefault(row.article, {}).setdefault(row.reviewer, {})
            own[place_of(row)] = row.verdict == RIGHT
        for article, names in readers.items():
            if len(names) > 1:
                both = [said.get(article, {}).get(name, {}) for name in names[:2]]
                places = sorted({*both[0], *both[1]})
                verdicts = {p: (both[0].get(p, False), both[1].get(p, False)) for p in places}
                found[article] = Versions((names[0], names[1]), verdicts)
    return found


def all_versions(connection: Connection, queue: int) -> list[Versions]:
    """The articles of a queue that two independent readers have finished, as each left them."""
    query = sa.select(queue_articles.c.article).where(queue_articles.c.queue == queue)
    numbers = connection.scalars(query.order_by(queue_articles.c.position)).all()
    return list(versions(connection, queue, numbers).values())


def agree(
    connection: Connection, row: Any, queue: int, action: str, said: Said, model: int | None
) -> None:
    """Settle an article at once if both independent readers have finished it and say the same.

    Args:
        row: of the article.
        action: of the reader who has just finished; the decisions are taken back with it.
    """
    found = versions(connection, queue, [row.number]).get(row.number)
    if found and not found.differing:
        _settle(connection, row, found.verdicts, found.right(0), action, said, model)


def settle(
    connection: Connection, article_id: str, text_hash: str, queue: int, action: str, said: Said
) -> Rejected | None:
    """Add what two independent readers agree on to what was decided where they differ.

    Args:
        action: made where the key was pressed; the same arriving again adds nothing.

    Returns:
        Why it cannot be: not two have read it, a difference is not decided yet, or names would cross.
    """
    row = lock_text(connection, article_id, text_hash)
    if isinstance(row, Rejected):
        return row
    where = f"article {article_id}"
    known = sa.exists().where(
        reviews.c.source == said.source, reviews.c.external_id == f"{action}/settled/0"
    )
    if connection.scalar(sa.select(known)) or not is_open(connection, row.number, queue):
        return None  # settled before, by this action or by another
    found = versions(connection, queue, [row.number]).get(row.number)
    if found is None:
        return Rejected(article_id, where, "has not been read by two people", "have it read")
    standing = standing_decisions(connection, [row.number]).get(row.number, [])
    last = {place_of(each): each.verdict for each in standing}
    if undecided := found.differing - last.keys():
        why = f"the readers differ on {len(undecided)} spans that nobody has decided on"
        return Rejected(article_id, where, why, "decide on them")
    right = found.right(0) & found.right(1)
    right |= {place for place, verdict in last.items() if verdict == RIGHT} - found.verdicts.keys()
    right |= {place for place in found.differing if last[place] == RIGHT}
    for place in right:
        if why := why_crossing(Span(*place), right):
            return Rejected(article_id, where, why, "mark one of them as wrong")
    _settle(connection, row, found.verdicts, right, action, said, None)
    return None


def _settle(
    connection: Connection,
    row: Any,
    places: Iterable[Place],
    right: set[Place],
    action: str,
    said: Said,
    model: int | None,
) -> None:
    """Add decisions, so that of these spans and of all decided before just `right` are right."""
    standing = standing_decisions(connection, [row.number]).get(row.number, [])
    last = {place_of(each): each.verdict for each in standing}
    verdicts = dict.fromkeys([*places, *last], WRONG) | dict.fromkeys(right, RIGHT)
    for index, (place, verdict) in enumerate(sorted(verdicts.items())):
        if last.get(place) != verdict:
            values = {**columns(row.number, place), "verdict": verdict, "model": model}
            told = replace(said, external_id=f"{action}/settled/{index}")
            insert_row(connection, span_decisions, {**values, **told.row()})
    told = replace(said, external_id=f"{action}/settled/0")
    values = {"article": row.number, "text_hash": row.text_hash}
    insert_row(connection, reviews, {**values, **told.row()})
