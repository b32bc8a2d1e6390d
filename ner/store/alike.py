"""One string decided on wherever a model marked it: in a queue, or in the whole store."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Span
from ner.errors import NerError
from ner.store.actions import ALIKE
from ner.store.decisions import (
    Place,
    Said,
    columns,
    place_of,
    standing_decisions,
    why_crossing,
)
from ner.store.runs import ModelKey, by_model, model_number
from ner.store.schema import SURFACE, articles, chunks, queue_articles, span_decisions, spans
from ner.store.verdicts import RIGHT, WRONG

MOST = 100_000  # spans that are decided on at once


@dataclass(frozen=True, slots=True)
class Alike:
    """What is decided about all spans of a string.

    Args:
        surface: the string that they cover.
        label: theirs.
        becomes: their right label: the same where they are right, another, or empty where they are wrong.
        queue: only in its articles; in the whole store, if None.
    """

    surface: str
    label: str
    becomes: str
    queue: int | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """What a decision on all spans of a string is about.

    Args:
        articles: how many have spans that it decides on.
        spans: how many these are.
        left: how many more stay as they are: people have decided on them, or they would cross a right one.
    """

    articles: int
    spans: int
    left: int


def reach(connection: Connection, alike: Alike, model: ModelKey | None = None) -> Reach:
    """What a decision on all spans of a string would be about; nothing is written.

    Raises:
        NerError: they are more than `MOST`.
    """
    found = _marked(connection, alike, model)
    return _reach(found, [row for part in chunks(found) for row in _open(connection, part, alike)])


def decide_alike(
    connection: Connection, alike: Alike, action: str, said: Said, *, model: ModelKey | None = None
) -> Reach:
    """Decide on all spans of a string that nobody has decided on; `undo_last` takes all of it back.

    Args:
        action: made where the key was pressed; the same arriving again adds nothing.

    Raises:
        NerError: they are more than `MOST`.
    """
    known = sa.exists().where(
        span_decisions.c.source == said.source,
        span_decisions.c.external_id == f"{action}/{ALIKE}0",
    )
    if connection.scalar(sa.select(known)):
        return Reach(0, 0, 0)
    found = _marked(connection, alike, model)
    done: list[Any] = []
    written = 0
    number = connection.scalar(model_number(model)) if model else None
    for part in chunks(found):
        # Nobody else decides on these articles until this is kept.
        mine = articles.c.number.in_({row.article for row in part})
        query = sa.select(articles.c.number).where(mine).order_by(articles.c.number)
        connection.execute(query.with_for_update()).all()
        rows: list[dict[str, Any]] = []
        for row in (still := _open(connection, part, alike)):
            for place, verdict in _verdicts(alike, row).items():
                told = replace(said, external_id=f"{action}/{ALIKE}{written + len(rows)}")
                values = {**columns(row.article, place), "verdict": verdict, "model": number}
                rows.append({**values, **told.row()})
        if rows:
            connection.execute(span_decisions.insert(), rows)
        written += len(rows)
        done += still
    return _reach(found, done)


def _marked(connection: Connection, alike: Alike, model: ModelKey | None) -> Sequence[Any]:
    """The spans of a string, as the model has them."""
    query = (
        sa.select(spans.c.article, spans.c.start, spans.c.end)
        .where(spans.c.surface == alike.surface[:SURFACE], spans.c.label == alike.label)
        .where(spans.c.end - spans.c.start == len(alike.surface), by_model(model))
        .order_by(spans.c.article, spans.c.start)
        .limit(MOST + 1)
    )
    if alike.queue is not None:
        here = sa.select(queue_articles.c.article).where(queue_articles.c.queue == alike.queue)
        query = query.where(spans.c.article.in_(here))
    found = connection.execute(query).all()
    if len(found) > MOST:
        raise NerError(
            f"{alike.surface} is marked more than {MOST:,} times", remedy="decide on it in a queue"
        )
    return found


def _open(connection: Connection, rows: Sequence[Any], alike: Alike) -> list[Any]:
    """Those that nobody has decided on, and that may become what they are to become."""
    standing = standing_decisions(connection, {row.article for row in rows})
    found = []
    for row in rows:
        last = {place_of(each): each.verdict for each in standing.get(row.article, ())}
        wanted = _verdicts(alike, row)
        right = [place for place, verdict in last.items() if verdict == RIGHT]
        crosses = any(
            why_crossing(Span(*place), right)
            for place, verdict in wanted.items()
            if verdict == RIGHT
        )
        if not crosses and not wanted.keys() & last.keys():
            found.append(row)
    return found


def _verdicts(alike: Alike, row: Any) -> dict[Place, str]:
    verdicts = {(row.start, row.end, alike.label): WRONG}
    if alike.becomes:
        verdicts[row.start, row.end, alike.becomes] = RIGHT
    return verdicts


def _reach(found: Sequence[Any], decided: Sequence[Any]) -> Reach:
    return Reach(len({row.article for row in decided}), len(decided), len(found) - len(decided))
