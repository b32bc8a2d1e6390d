"""What a reviewer does at once: decisions on several spans, all kept or none, and taken back together."""

import datetime
import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Rejected, Span
from ner.store import independent
from ner.store.decisions import (
    Place,
    Said,
    columns,
    insert_row,
    lock_text,
    place_of,
    standing_decisions,
    undoing,
    why_crossing,
)
from ner.store.runs import ModelKey, model_number
from ner.store.schema import CHUNK, articles, leases, now, reviews, span_decisions
from ner.store.verdicts import RIGHT, counts, stands

ALIKE = "alike/"
"""What follows the action in `external_id`, before a number, where it is about a string in many articles."""


class Change(NamedTuple):
    """What is decided about one span: its verdict is ``right`` or ``wrong``."""

    span: Span
    verdict: str


@dataclass(frozen=True, slots=True)
class Action:
    """What one key does to an article.

    Args:
        id: made where the key was pressed; the same action arriving again adds nothing.
        seen: the newest decision that the reviewer had been shown.
        finish: the article was read as a whole.
    """

    id: str
    changes: Sequence[Change]
    seen: int = 0
    finish: bool = False


@dataclass(frozen=True, slots=True)
class Decision:
    """One row of what was said about a span.

    Args:
        stands: False where it was taken back, takes one back, or does not count (any more) since an
            independent reader said it.
        queue: the queue of such a reader.
    """

    number: int
    start: int
    end: int
    label: str
    verdict: str
    reviewer: str
    at: datetime.datetime
    stands: bool
    queue: int | None = None


@dataclass(frozen=True, slots=True)
class Undone:
    """What was taken back.

    Args:
        article: the id of one that it was done to.
        queue: where it was said by an independent reader, the queue.
        articles: how many it was done to.
    """

    article: str
    queue: int | None = None
    articles: int = 1


@dataclass(frozen=True, slots=True)
class Review:
    """That a person read the article as a whole, and that stands."""

    reviewer: str
    at: datetime.datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """Where an article stands.

    Args:
        decisions: what was said about its spans, oldest first.
        reviews: who read its present text as a whole, oldest first.
        holder: who has it in hand.
        apart: it waits for the independent readers of a queue, or to be settled.
    """

    decisions: list[Decision]
    reviews: list[Review]
    holder: str | None
    apart: bool


@dataclass(frozen=True, slots=True)
class Conflict:
    """Somebody else decided otherwise on the same spans, which the reviewer had not seen."""

    decisions: tuple[Decision, ...]


def act(
    connection: Connection,
    article_id: str,
    text_hash: str,
    action: Action,
    said: Said,
    model: ModelKey | None = None,
    queue: int | None = None,
) -> Rejected | Conflict | None:
    """Add what a reviewer did, all of it or nothing.

    Args:
        model: whose spans were shown.
        queue: that the article was given from. Where several read it independently, what they do is kept
            apart, and counts once they all say the same, or it is settled (`ner.store.independent`).

    Returns:
        Why nothing was added: as `decide_span`, or a conflict; None where all was.
    """
    row = lock_text(connection, article_id, text_hash)
    if isinstance(row, Rejected):
        return row
    if _is_known(connection, said.source, action.id):
        return None
    apart = queue if queue and independent.is_open(connection, row.number, queue) else None
    if apart:
        standing = independent.said_by(connection, row.number, apart, said.reviewer)
    else:
        standing = standing_decisions(connection, [row.number]).get(row.number, [])
    last = {place_of(each): each for each in standing}
    wanted = {place_of(span): verdict for span, verdict in action.changes}
    if unseen := [
        last[place]
        for place, verdict in wanted.items()
        if place in last
        and last[place].number > action.seen
        and last[place].reviewer != said.reviewer
        and last[place].verdict != verdict
    ]:
        return Conflict(tuple(_decision(each, True) for each in unseen))
    verdicts = {place: each.verdict for place, each in last.items()} | wanted
    if why := _why_refused(action.changes, row.text, verdicts):
        return Rejected(article_id, f"article {article_id}", why, "mark the other as wrong")
    number = connection.scalar(model_number(model)) if model else None
    for index, (place, verdict) in enumerate(wanted.items()):
        values = {**columns(row.number, place), "verdict": verdict, "model": number}
        told = replace(said, external_id=f"{action.id}/{index}")
        insert_row(connection, span_decisions, {**values, "queue": apart, **told.row()})
    if action.finish:
        told = replace(said, external_id=f"{action.id}/0")
        values = {"article": row.number, "text_hash": row.text_hash, "queue": apart}
        insert_row(connection, reviews, {**values, **told.row()})
        if apart:
            independent.agree(connection, row, apart, action.id, said, number)
    return None


def _why_refused(changes: Iterable[Change], text: str, verdicts: Mapping[Place, str]) -> str:
    """Why changes cannot be made; empty if they can.

    Args:
        verdicts: what counts on the article's spans once they are made.
    """
    right = [place for place, verdict in verdicts.items() if verdict == RIGHT]
    for span, verdict in changes:
        if span.end > len(text):
            return f"span {span.start}:{span.end} ends past the text"
        if verdict == RIGHT and (why := why_crossing(span, right)):
            return why
    return ""


def undo_last(connection: Connection, undo_id: str, said: Said) -> Undone | None:
    """Take back what a reviewer did last and still stands, in all articles where that was.

    Args:
        undo_id: as `Action.id`.

    Returns:
        Where that was; None where there is nothing left to take back.
    """
    if known := _is_known(connection, said.source, undo_id):
        return Undone(_id_of(connection, known))
    rows = [row for table in (span_decisions, reviews) for row in _last(connection, table, said)]
    if not rows:
        return None
    last = max(rows, key=lambda row: row.at)
    touched: set[int] = set()
    queue = None
    for table in (span_decisions, reviews):
        number = 0
        for part in _done_with(connection, table, last):
            taken = [
                undoing(row, replace(said, external_id=f"{undo_id}/{number + index}"))
                for index, row in enumerate(part)
            ]
            connection.execute(table.insert(), taken)
            number += len(taken)
            touched.update(row.article for row in part)
            queue = next((row.queue for row in part if row.queue), queue)
    return Undone(_id_of(connection, last.article), queue, len(touched))


def _done_with(connection: Connection, table: sa.Table, last: Any) -> Iterator[Sequence[Any]]:
    """What stands of the action that a row belongs to, in parts."""
    action, _, place = last.external_id.partition("/")
    mine = sa.select(table).where(table.c.source == last.source)
    if place.startswith(ALIKE):  # in any number of articles, which no index on its beginning gives
        for some in itertools.count():
            ids = [f"{action}/{ALIKE}{some * CHUNK + index}" for index in range(CHUNK)]
            named = mine.where(table.c.external_id.in_(ids))
            if not connection.scalar(sa.select(named.exists())):
                return
            if part := connection.execute(named.where(stands(table))).all():
                yield part
    begins = table.c.external_id.startswith(f"{action}/", autoescape=True)
    here = mine.where(table.c.article == last.article, begins, stands(table))
    if part := connection.execute(here).all():
        yield part


def _id_of(connection: Connection, number: int) -> str:
    return str(connection.scalar(sa.select(articles.c.id).where(articles.c.number == number)))


def standing(
    connection: Connection, article_id: str, queue: int | None = None, reviewer: str = ""
) -> Standing:
    """Where an article stands, as a reviewer may see it.

    Args:
        queue: that the article was given from. While several read it independently, the decisions are what
            this reviewer said in that queue. What they all said is shown once it is settled.
    """
    row = connection.execute(_with_holder(), {"id": article_id, "now": now()}).first()
    if row is None:
        return Standing([], [], None, False)
    apart = queue if queue and independent.is_open(connection, row.number, queue) else None
    read = _reviews_of(connection, row, apart, reviewer)
    rows = connection.execute(_said_about(), {"article": row.number}).all()
    undone = {each.undoes for each in rows}
    if apart:
        rows = [each for each in rows if each.queue == apart and each.reviewer == reviewer]
    elif not read:
        rows = [each for each in rows if each.queue is None]
    decisions = [
        _decision(each, each.undoes is None and each.number not in undone and each.queue == apart)
        for each in rows
    ]
    return Standing(decisions, read, row.reviewer, apart is not None)


@cache
def _with_holder() -> sa.Select[Any]:
    held = sa.and_(leases.c.article == articles.c.number, leases.c.until > sa.bindparam("now"))
    query = sa.select(articles.c.number, articles.c.text_hash, leases.c.reviewer)
    query = query.select_from(articles.outerjoin(leases, held))
    return query.where(articles.c.id == sa.bindparam("id"))


@cache
def _said_about() -> sa.Select[Any]:
    query = sa.select(span_decisions).where(span_decisions.c.article == sa.bindparam("article"))
    return query.order_by(span_decisions.c.number)


def _reviews_of(
    connection: Connection, article: Any, apart: int | None, reviewer: str
) -> list[Review]:
    """Who read the present text of an article as a whole: what counts, or what an independent reader said."""
    keys = {"article": article.number, "hash": article.text_hash}
    if apart:
        keys |= {"queue": apart, "reader": reviewer}
    rows = connection.execute(_reviews(apart is not None), keys)
    return [Review(row.reviewer, row.at) for row in rows]


@cache
def _reviews(apart: bool) -> sa.Select[Any]:
    bind = sa.bindparam
    query = (
        sa.select(reviews.c.reviewer, reviews.c.at)
        .where(reviews.c.article == bind("article"), reviews.c.text_hash == bind("hash"))
        .order_by(reviews.c.number)
    )
    if not apart:
        return query.where(counts(reviews))
    own = (reviews.c.queue == bind("queue"), reviews.c.reviewer == bind("reader"))
    return query.where(stands(reviews), *own)


def _decision(row: Any, stands: bool) -> Decision:
    place = (row.start, row.end, row.label)
    return Decision(row.number, *place, row.verdict, row.reviewer, row.at, stands, row.queue)


def _is_known(connection: Connection, source: str, action: str) -> int | None:
    """The article of an action that was written before."""
    for table in (span_decisions, reviews):
        keys = {"source": source, "external_id": f"{action}/0"}
        if found := connection.scalar(_known(table), keys):
            return int(found)
    return None


@cache
def _known(table: sa.Table) -> sa.Select[Any]:
    keys = [table.c[name] == sa.bindparam(name) for name in ("source", "external_id")]
    return sa.select(table.c.article).where(*keys)


def _last(connection: Connection, table: sa.Table, said: Said) -> Sequence[Any]:
    query = sa.select(table).where(
        table.c.reviewer == said.reviewer,
        table.c.source == said.source,
        table.c.external_id.isnot(None),
        stands(table),
    )
    return connection.execute(query.order_by(table.c.number.desc()).limit(1)).all()
