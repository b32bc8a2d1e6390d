"""What people say of foreign articles: the same rules as in a store of ours, with offsets into columns.

Rows may also come from others, by the SQL that docs/store.md gives. A decision is on a text: where that has
changed it says nothing.
"""

import logging
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected, Span
from ner.errors import NerError
from ner.store.decisions import (
    Place,
    Said,
    insert_row,
    known_decision,
    new_verdicts,
    place_of,
    said_or_refused,
)
from ner.store.foreign.ledger import number_of
from ner.store.foreign.rows import BODY, TITLE, ForeignRow
from ner.store.foreign.schema import Tables
from ner.store.runs import ModelKey, SpanRow
from ner.store.verdicts import RIGHT, WRONG, stands

_LOG = logging.getLogger(__name__)
_NO_COLUMN = "lies over the end of the title, in neither column"


@dataclass(frozen=True, slots=True)
class Decided:
    """A decision that counts, with offsets into the text that is tagged."""

    number: int
    start: int
    end: int
    label: str
    verdict: str
    reviewer: str
    source: str


def decide(
    connection: Connection, tables: Tables, row: ForeignRow, article: Article, said: Said
) -> int:
    """Add what a person decided about a whole article: see `ner.store.decisions.decide`.

    Spans over the end of the title are left out.
    """
    _lock(connection, tables, row)
    earlier = standing(connection, tables, [row]).get(row.key, [])
    was_read = said.source in _read_in(connection, tables, row)
    verdicts = new_verdicts(
        article, _found(connection, tables, row), earlier, said, was_read=was_read
    )
    if verdicts is None:
        return 0
    new = [
        {**columns, "verdict": verdict, **said.row(), "external_id": None}
        for place, verdict in verdicts.items()
        if (columns := _columns(row, Span(*place)))
    ]
    if new:
        connection.execute(tables.decisions.insert(), new)
    values = {"article": row.key, "text_hash": row.hash, **said.row()}
    connection.execute(tables.reviews.insert().values(values))
    return len(new) + 1


def decide_span(
    connection: Connection,
    tables: Tables,
    row: ForeignRow,
    span: Span,
    verdict: str,
    said: Said,
    model: ModelKey | None,
) -> int | Rejected:
    """Add what a person decided about one span: see `ner.store.decisions.decide_span`."""
    _lock(connection, tables, row)
    if known := known_decision(connection, tables.decisions, said):
        return known
    earlier = standing(connection, tables, [row]).get(row.key, [])
    answer = said_or_refused(row.id, row.text, span, verdict, said, earlier)
    if answer is not None:
        return answer
    columns = _columns(row, span)
    if not columns:
        why = f"span {span.start}:{span.end} {_NO_COLUMN}"
        return Rejected(row.id, f"article {row.id}", why, "mark a part of it")
    number = number_of(connection, tables, model) if model else None
    values = {**columns, "verdict": verdict, "model": number, **said.row()}
    return insert_row(connection, tables.decisions, values)


def standing(
    connection: Connection, tables: Tables, rows: Sequence[ForeignRow]
) -> dict[Any, list[Decided]]:
    """The decisions that count on spans of articles, by their key, oldest first."""
    decisions = tables.decisions
    by_key = {row.key: row for row in rows}
    query = sa.select(decisions).where(decisions.c.article.in_(by_key), stands(decisions))
    found: dict[Any, list[Decided]] = {}
    for said in connection.execute(query.order_by(decisions.c.number)):
        row = by_key[said.article]
        if said.text_hash != row.hash:
            continue
        if span := _said_of(row, said, tables.named):
            decided = Decided(
                said.number, *place_of(span), said.verdict, said.reviewer, said.source
            )
            found.setdefault(row.key, []).append(decided)
    return found


def _said_of(row: ForeignRow, said: Any, named: set[int]) -> Span | None:
    """The span of a decision; None, with a warning, where others inserted one that can be none.

    Args:
        named: numbers of the decisions that a warning has named; that of this one is added.
    """
    span, known = None, said.field in (TITLE, BODY) and said.verdict in (RIGHT, WRONG)
    with suppress(NerError):
        span = row.span(said.field, said.start_char, said.end_char, said.label) if known else None
    if span is None and said.number not in named:
        named.add(said.number)
        place = f"{said.field} {said.start_char}:{said.end_char} {said.label} {said.verdict}"
        _LOG.warning(
            "decision %s on article %s is left out: %s is nothing in its text",
            said.number, row.id, place,
        )  # fmt: skip
    return span


def right_spans(
    connection: Connection, tables: Tables, rows: Sequence[ForeignRow]
) -> dict[Any, list[SpanRow]]:
    """The spans whose last verdict is right, by the key of their article."""
    return {
        key: [SpanRow(*place, 1.0, "") for place in sorted(last) if last[place] == RIGHT]
        for key, last in last_words(connection, tables, rows).items()
    }


def last_words(
    connection: Connection, tables: Tables, rows: Sequence[ForeignRow]
) -> dict[Any, dict[Place, str]]:
    """The verdict that counts on each span that people decided on, by the key of its article.

    Of two that are right and cross, which only rows of others can say, the one that was said last.
    """
    found: dict[Any, dict[Place, str]] = {}
    for key, decided in standing(connection, tables, rows).items():
        last: dict[Place, str] = {}
        for each in decided:
            last.pop(place_of(each), None)  # so that the order is that of the last word on each
            last[place_of(each)] = each.verdict
        found[key] = {}
        right: list[Span] = []
        for place in reversed(last):
            span = Span(*place)
            if last[place] == RIGHT:
                if any(span.crosses(other) for other in right):
                    continue
                right.append(span)
            found[key][place] = last[place]
    return found


def read_as_a_whole(connection: Connection, tables: Tables, rows: Iterable[ForeignRow]) -> set[Any]:
    """The keys of those articles that a person read as a whole, with the text they have now."""
    reviews = tables.reviews
    by_key = {row.key: row for row in rows}
    query = sa.select(reviews.c.article, reviews.c.text_hash)
    query = query.where(reviews.c.article.in_(by_key), stands(reviews))
    return {
        said.article
        for said in connection.execute(query)
        if said.text_hash == by_key[said.article].hash
    }


def confirmed_articles(connection: Connection, tables: Tables, model: ModelKey) -> list[Any]:
    """The keys of the articles that a model tagged and of which somebody has called a span right."""
    decisions, tagged = tables.decisions, tables.tagged
    query = (
        sa.select(decisions.c.article)
        .distinct()
        .join(tagged, tagged.c.article == decisions.c.article)
        .where(decisions.c.verdict == RIGHT, tagged.c.model == number_of(connection, tables, model))
        .order_by(decisions.c.article)
    )
    return list(connection.scalars(query))


def _read_in(connection: Connection, tables: Tables, row: ForeignRow) -> set[str]:
    """The sources in which the text of an article was read as a whole."""
    reviews = tables.reviews
    query = sa.select(reviews.c.source).where(
        reviews.c.article == row.key, reviews.c.text_hash == row.hash, stands(reviews)
    )
    return set(connection.scalars(query))


def _found(connection: Connection, tables: Tables, row: ForeignRow) -> list[Span]:
    """The spans that any model found in the text that an article has now."""
    spans, tagged = tables.spans, tables.tagged
    same = sa.and_(tagged.c.article == spans.c.article, tagged.c.model == spans.c.model)
    query = (
        sa.select(spans)
        .join(tagged, same)
        .where(spans.c.article == row.key, tagged.c.text_hash == row.hash)
    )
    found = (
        row.span(each.field, each.start_char, each.end_char, each.label)
        for each in connection.execute(query)
    )
    return [span for span in found if span]


def _columns(row: ForeignRow, span: Span) -> Mapping[str, Any]:
    """The columns of a span in its article; none over the end of the title."""
    found = row.place(span)
    if found is None:
        return {}
    names = ("field", "start_char", "end_char")
    name = row.text[span.start : span.end]
    fixed = {"article": row.key, "text_hash": row.hash, "label": span.label, "name": name}
    return {**fixed, **dict(zip(names, found))}


def _lock(connection: Connection, tables: Tables, row: ForeignRow) -> None:
    """Let nobody else decide on an article until this transaction ends; their table is not ours to lock."""
    query = sa.select(tables.tagged.c.model).where(tables.tagged.c.article == row.key)
    connection.execute(query.with_for_update()).all()
