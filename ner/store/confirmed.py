"""Spans that people called right and that a model does not repeat: they stay, and are told of."""

from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Span
from ner.store.decisions import place_of, right_spans
from ner.store.runs import ModelKey, SpanRow, spans_of, tagged_by
from ner.store.schema import articles, chunks, span_decisions

Found = Mapping[Any, Sequence[SpanRow]]


def with_confirmed(connection: Connection, numbers: Sequence[int], found: Found) -> Found:
    """What a model found in articles by number, and what people confirmed there besides, with no model.

    Spans of the model that cross one of these are left out.
    """
    return joined(found, right_spans(connection, numbers))


def unrepeated(connection: Connection, model: ModelKey) -> dict[str, int]:
    """Article id to how many spans called right there the model, which tagged it, does not find."""
    decided = sa.exists().where(span_decisions.c.article == articles.c.number)
    query = sa.select(articles.c.number, articles.c.id).where(decided, tagged_by(model))
    ids = {row.number: row.id for row in connection.execute(query.order_by(articles.c.number))}
    lost: dict[str, int] = {}
    for numbers in chunks(list(ids)):
        found = spans_of(connection, numbers, model)
        missed = missing(found, right_spans(connection, numbers))
        lost |= {ids[number]: len(missed[number]) for number in sorted(missed)}
    return lost


def joined(found: Found, right: Found) -> Found:
    """What a model found in articles by their key, and the right spans besides: see `with_confirmed`."""
    kept = {}
    for key, lost in missing(found, right).items():
        rows = [row for row in found.get(key, ()) if not any(_cross(row, each) for each in lost)]
        kept[key] = [*rows, *lost]
    return {**found, **kept}


def missing(found: Found, right: Found) -> dict[Any, list[SpanRow]]:
    """The right spans that are not among those found, for each article that has any."""
    missed = {}
    for key, rows in right.items():
        there = {place_of(row) for row in found.get(key, ())}
        if lost := [row for row in rows if place_of(row) not in there]:
            missed[key] = lost
    return missed


def _cross(one: Any, other: Any) -> bool:
    return Span(*place_of(one)).crosses(Span(*place_of(other)))
