"""What a reviewer does at once: decisions on several spans, all kept or none, and taken back together."""

import datetime
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Rejected, Span
from ner.store.articles import stands
from ner.store.decisions import (
    RIGHT,
    Place,
    Said,
    columns,
    insert_row,
    lock_text,
    place_of,
    standing_decisions,
    undo,
    why_crossing,
)
from ner.store.runs import ModelKey, model_number
from ner.store.schema import articles, reviews, span_decisions


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
        stands: False where it was taken back, or takes one back.
    """

    number: int
    start: int
    end: int
    label: str
    verdict: str
    reviewer: str
    at: datetime.datetime
    stands: bool


@dataclass(frozen=True, slots=True)
class Review:
    """That a person read the article as a whole, and that stands."""

    reviewer: str
    at: datetime.datetime


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
) -> Rejected | Conflict | None:
    """Add what a reviewer did, all of it or nothing.

    Args:
        model: whose spans were shown.

    Returns:
        Why nothing was added: as `decide_span`, or a conflict; None where all was.
    """
    row = lock_text(connection, article_id, text_hash)
    if isinstance(row, Rejected):
        return row
    if _is_known(connection, said.source, action.id):
        return None
    standing = standing_decisions(connection, [row.number]).get(row.number, [])
    last = {place_of(each): each for each in standing}
    if unseen := [
        last[place]
        for place, verdict in _verdicts(action.changes).items()
        if place in last
        and last[place].number > action.seen
        and last[place].reviewer != said.reviewer
        and last[place].verdict != verdict
    ]:
        return Conflict(tuple(_decision(each, True) for each in unseen))
    verdicts = {place: each.verdict for place, each in last.items()} | _verdicts(action.changes)
    right = [place for place, verdict in verdicts.items() if verdict == RIGHT]
    for span, verdict in action.changes:
        why = f"span {span.start}:{span.end} ends past the text" if span.end > len(row.text) else ""
        if why := why or (why_crossing(span, right) if verdict == RIGHT else ""):
            return Rejected(article_id, f"article {article_id}", why, "mark the other as wrong")
    number = connection.scalar(model_number(model)) if model else None
    for index, (place, verdict) in enumerate(_verdicts(action.changes).items()):
        values = {**columns(row.number, place), "verdict": verdict, "model": number}
        told = replace(said, external_id=f"{action.id}/{index}")
        insert_row(connection, span_decisions, {**values, **told.row()})
    if action.finish:
        told = replace(said, external_id=f"{action.id}/0")
        values = {"article": row.number, "text_hash": row.text_hash}
        insert_row(connection, reviews, {**values, **told.row()})
    return None


def undo_last(connection: Connection, undo_id: str, said: Said) -> str | None:
    """Take back what a reviewer did last and still stands.

    Args:
        undo_id: as `Action.id`.

    Returns:
        The id of the article where that was; None where there is nothing left to take back.
    """
    if row := _is_known(connection, said.source, undo_id):
        return connection.scalar(sa.select(articles.c.id).where(articles.c.number == row))
    rows = [row for table in (span_decisions, reviews) for row in _last(connection, table, said)]
    if not rows:
        return None
    last = max(rows, key=lambda row: row.at)
    action = last.external_id.partition("/")[0]
    for table in (span_decisions, reviews):
        query = sa.select(table.c.number).where(
            table.c.article == last.article,
            table.c.source == said.source,
            table.c.external_id.startswith(f"{action}/", autoescape=True),
            stands(table),
        )
        numbers = connection.scalars(query).all()
        for index, number in enumerate(numbers):
            undo(connection, table, number, replace(said, external_id=f"{undo_id}/{index}"))
    return connection.scalar(sa.select(articles.c.id).where(articles.c.number == last.article))


def decisions_of(connection: Connection, article_id: str) -> list[Decision]:
    """All that was said about the spans of an article, oldest first."""
    query = (
        sa.select(span_decisions)
        .join(articles, articles.c.number == span_decisions.c.article)
        .where(articles.c.id == article_id)
        .order_by(span_decisions.c.number)
    )
    rows = connection.execute(query).all()
    undone = {row.undoes for row in rows}
    return [_decision(row, row.undoes is None and row.number not in undone) for row in rows]


def reviews_of(connection: Connection, article_id: str) -> list[Review]:
    """Who read the present text of an article as a whole, oldest first."""
    query = (
        sa.select(reviews.c.reviewer, reviews.c.at)
        .join(articles, articles.c.number == reviews.c.article)
        .where(articles.c.id == article_id, reviews.c.text_hash == articles.c.text_hash)
        .where(stands(reviews))
        .order_by(reviews.c.number)
    )
    return [Review(row.reviewer, row.at) for row in connection.execute(query)]


def _verdicts(changes: Iterable[Change]) -> dict[Place, str]:
    return {place_of(span): verdict for span, verdict in changes}


def _decision(row: Any, stands: bool) -> Decision:
    place = (row.start, row.end, row.label)
    return Decision(row.number, *place, row.verdict, row.reviewer, row.at, stands)


def _is_known(connection: Connection, source: str, action: str) -> int | None:
    """The article of an action that was written before."""
    for table in (span_decisions, reviews):
        query = sa.select(table.c.article).where(
            table.c.source == source, table.c.external_id == f"{action}/0"
        )
        if found := connection.scalar(query):
            return int(found)
    return None


def _last(connection: Connection, table: sa.Table, said: Said) -> Sequence[Any]:
    query = sa.select(table.c.article, table.c.external_id, table.c.at).where(
        table.c.reviewer == said.reviewer,
        table.c.source == said.source,
        table.c.external_id.isnot(None),
        stands(table),
    )
    return connection.execute(query.order_by(table.c.number.desc()).limit(1)).all()
