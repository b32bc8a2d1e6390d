"""Spans as people decided: without those that they called wrong, with those that they called right.

Whoever reads names gets them so: commands, exports, the pages of names, the register. What judges a model
(reviewing, figures, reports of runs) takes the model's own.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Span
from ner.errors import NerError
from ner.store import runs
from ner.store.decisions import Place, last_words, place_of
from ner.store.runs import ModelKey, SpanRow, spans_of, tagged_by
from ner.store.schema import articles, chunks, span_decisions
from ner.store.verdicts import RIGHT, WRONG

Row = TypeVar("Row")  # with start, end and label
Found = Mapping[Any, Sequence[SpanRow]]
Said = Mapping[Any, Mapping[Place, str]]
"""Of articles by their key: the last word on each span that has one."""


def as_decided(found: Found, said: Said) -> Found:
    """What a model found in articles, as people decided; spans that it does not find have no model."""
    counting = {}
    for key, last in said.items():
        rows = found.get(key, ())
        added = [SpanRow(*place, 1.0, "") for place in missing(rows, last)]
        counting[key] = [*kept(rows, last), *added]
    return {**found, **counting}


def kept(rows: Iterable[Row], last: Mapping[Place, str]) -> list[Row]:
    """Those found in an article that were not called wrong, and that none of the `missing` ones crosses."""
    rows = list(rows)
    added = missing(rows, last)
    return [
        row
        for row in rows
        if last.get(place_of(row)) != WRONG and not any(_cross(row, each) for each in added)
    ]


def missing(rows: Iterable[Any], last: Mapping[Place, str]) -> list[Place]:
    """The spans called right in an article that are not among those found."""
    there = {place_of(row) for row in rows}
    return [place for place in last if last[place] == RIGHT and place not in there]


def unrepeated(connection: Connection, model: ModelKey) -> dict[str, int]:
    """Article id to how many spans called right there the model, which tagged it, does not find."""
    decided = sa.exists().where(span_decisions.c.article == articles.c.number)
    query = sa.select(articles.c.number, articles.c.id).where(decided, tagged_by(model))
    ids = {row.number: row.id for row in connection.execute(query.order_by(articles.c.number))}
    lost: dict[str, int] = {}
    for numbers in chunks(list(ids)):
        found, said = spans_of(connection, numbers, model), last_words(connection, numbers)
        lost |= count_missing(found, said, {number: ids[number] for number in numbers})
    return lost


def count_missing(found: Found, said: Said, ids: Mapping[Any, str]) -> dict[str, int]:
    """Of those articles, ids by key, that have `missing` spans: id to how many."""
    many = {key: len(missing(found.get(key, ()), said.get(key, {}))) for key in ids}
    return {ids[key]: number for key, number in many.items() if number}


def count_labels(
    connection: Connection, numbers: Sequence[int], model: ModelKey | None, *, as_tagged: bool
) -> Mapping[int, Mapping[str, int]]:
    """For articles by number: label to how many spans, as people decided or as the model tagged."""
    counts = runs.count_labels(connection, numbers, model)
    if as_tagged or not (said := last_words(connection, numbers)):
        return counts
    found = as_decided(spans_of(connection, said, model), said)
    return {**counts, **{number: Counter(row.label for row in found[number]) for number in said}}


def _cross(row: Any, place: Place) -> bool:
    with suppress(NerError, TypeError):  # damaged, which is told where the article is built
        return Span(*place_of(row)).crosses(Span(*place))
    return False
