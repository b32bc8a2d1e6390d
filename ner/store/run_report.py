"""What a report of a run shows: its spans by label, those it was least sure of, its new names."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.history import RunSummary
from ner.store.runs import model_number
from ner.store.schema import articles, chunks, runs, spans, tagged

UNSURE = 0.7  # a score under this is shown as unsure


@dataclass(frozen=True, slots=True)
class LabelCount:
    """The spans of a label in a run.

    Args:
        names: different strings.
        unsure: with a score under `UNSURE`.
    """

    label: str
    spans: int
    names: int
    unsure: int


@dataclass(frozen=True, slots=True)
class UnsureSpan:
    """A span with a low score, and the article that it is in."""

    article: str
    start: int
    end: int
    label: str
    surface: str
    score: float


@dataclass(frozen=True, slots=True)
class RunName:
    """A string that a run marked with a label.

    Args:
        articles: in how many of its articles.
        first: the id of one of them, the one added first.
    """

    text: str
    articles: int
    first: str


@dataclass(frozen=True, slots=True)
class RunNames:
    """The most frequent names of a run.

    Args:
        only_new: they stand in no article as an earlier run tagged it; False where there is no earlier run.
    """

    names: Sequence[RunName]
    only_new: bool


def count_labels(connection: Connection, run: RunSummary) -> list[LabelCount]:
    """The spans of a run by label, as far as no later run of its model replaced them."""
    count = sa.func.count()
    unsure = sa.func.sum(sa.case((spans.c.score < UNSURE, 1), else_=0))
    query = sa.select(spans.c.label, count, sa.func.count(spans.c.surface.distinct()), unsure)
    rows = connection.execute(query.select_from(_spans(run)).group_by(spans.c.label))
    return [LabelCount(row[0], row[1], row[2], int(row[3])) for row in rows]


def least_certain(connection: Connection, run: RunSummary, limit: int) -> list[UnsureSpan]:
    """The spans with the lowest scores, of each name one."""
    columns = (spans.c.start, spans.c.end, spans.c.label, spans.c.surface, spans.c.score)
    order = (spans.c.score, spans.c.article, spans.c.start)
    query = sa.select(articles.c.id, *columns).select_from(
        _spans(run).join(articles, articles.c.number == spans.c.article)
    )
    found: dict[tuple[str, str], UnsureSpan] = {}
    for row in connection.execute(query.order_by(*order).limit(20 * limit)):
        found.setdefault((row.label, row.surface), UnsureSpan(*row))
    return list(found.values())[:limit]


def names(connection: Connection, run: RunSummary, label: str, limit: int) -> RunNames:
    """The names of a label in the most articles of a run; only new ones, where there is an earlier run."""
    earlier = sa.select(sa.exists().where(runs.c.number < run.number, runs.c.articles > 0))
    only_new = bool(connection.scalar(earlier))
    many = sa.func.count(spans.c.article.distinct()).label("many")
    grouped = (
        sa.select(spans.c.surface, many, sa.func.min(spans.c.article).label("first"))
        .select_from(_spans(run))
        .where(spans.c.label == label)
        .group_by(spans.c.surface)
        .subquery()
    )
    query = sa.select(grouped.c.surface, grouped.c.many, articles.c.id).join(
        articles, articles.c.number == grouped.c.first
    )
    if only_new:
        other = spans.alias()
        known = sa.exists().where(
            other.c.surface == grouped.c.surface,
            other.c.label == label,
            other.c.run < run.number,
        )
        query = query.where(~known)
    query = query.order_by(grouped.c.many.desc(), grouped.c.surface).limit(limit)
    return RunNames([RunName(*row) for row in connection.execute(query)], only_new)


def sample(connection: Connection, run: RunSummary, limit: int) -> list[str]:
    """The ids of some of a run's articles, the same every time, in the order they were added."""
    query = sa.select(tagged.c.article).where(*_of(run)).order_by(tagged.c.article)
    numbers = list(connection.scalars(query))
    drawn = sorted(random.Random(run.number).sample(numbers, min(limit, len(numbers))))
    found: list[str] = []
    for some in chunks(drawn):
        part = sa.select(articles.c.id).where(articles.c.number.in_(some))
        found += connection.scalars(part.order_by(articles.c.number))
    return found


def _of(run: RunSummary) -> tuple[Any, ...]:
    """Conditions on `tagged`: what stands of a run."""
    model = model_number(run.model).scalar_subquery()
    return tagged.c.model == model, tagged.c.run == run.number


def _spans(run: RunSummary) -> sa.FromClause:
    """The spans of a run; found by its articles, since no index has runs."""
    mine = sa.select(tagged.c.article, tagged.c.model).where(*_of(run)).subquery()
    return mine.join(
        spans, sa.and_(spans.c.article == mine.c.article, spans.c.model == mine.c.model)
    )
