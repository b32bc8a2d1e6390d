"""Finding articles and names in large stores: pages of a list, names by how they begin, counts."""

import datetime
import json
from bisect import bisect
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store.articles import (
    Filters,
    Summary,
    build_summary,
    matching,
    numbers_of,
    select_summaries,
)
from ner.store.decided import count_labels
from ner.store.paging import Candidates
from ner.store.runs import ModelKey, by_model, labels_of_models, latest_models, model_number
from ner.store.schema import CHUNK, LAST, SURFACE, articles, models, month_of, spans, tagged
from ner.store.verdicts import called_right, is_kept

By = Literal["label", "model", "paper", "month"]
PAGE = 50  # articles or names in a part of a list


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list of articles.

    Args:
        after: what gives the next part; empty where this is the last one.
    """

    articles: tuple[Summary, ...]
    after: str = ""


@dataclass(frozen=True, slots=True)
class Name:
    """A string that a model marked.

    Args:
        text: at most the first `schema.SURFACE` code points.
        spans: how often it is marked with this label.
    """

    text: str
    label: str
    spans: int


def page(
    connection: Connection, *, after: str = "", limit: int = PAGE, **filters: Unpack[Filters]
) -> Page:
    """Articles by date, the newest first, then by paper and in the order they were added; undated ones last.

    The next part takes as long as the first, however far down the list it is.

    Args:
        after: `Page.after` of the part before; empty for the first.
        limit: the most articles.

    Raises:
        NerError: one of the ids is not in the store, the date is not one, or `after` is from no page.
    """
    position = _position(after)
    model = filters.get("model")
    query = select_summaries(model).where(*matching(filters)).limit(limit + 1)
    if ids := filters.get("ids"):
        query = query.where(articles.c.number.in_(numbers_of(connection, ids)))
    rows: list[Any] = []
    if position is None or position[0]:
        order = (articles.c.date.desc(), articles.c.paper, articles.c.number)
        dated = query.where(articles.c.date.isnot(None), *_beyond(position)).order_by(*order)
        rows += connection.execute(dated).all()
        position = None
    if len(rows) <= limit:
        undated = query.where(articles.c.date.is_(None), *_beyond(position))
        undated = undated.order_by(articles.c.paper, articles.c.number).limit(limit + 1 - len(rows))
        rows += connection.execute(undated).all()
    shown = rows[:limit]
    as_tagged = filters.get("as_tagged", False)
    counts = count_labels(connection, [row.number for row in shown], model, as_tagged=as_tagged)
    found = tuple(build_summary(row, counts.get(row.number, {})) for row in shown)
    if len(rows) <= limit:
        return Page(found)
    last = shown[-1]
    date = str(last.date) if last.date is not None else ""
    return Page(found, json.dumps([date, last.paper, last.number], ensure_ascii=False))


def _position(after: str) -> tuple[str, str, int] | None:
    if not after:
        return None
    try:
        date, paper, number = json.loads(after)
        if date:
            datetime.date.fromisoformat(date)
        return str(date), str(paper), int(number)
    except (ValueError, TypeError):
        raise NerError(
            f"{after!r} is no place in a list", remedy="take it from the page before"
        ) from None


def _beyond(position: tuple[str, str, int] | None) -> list[sa.ColumnElement[bool]]:
    """Conditions on `articles`: after a position in the list."""
    if position is None:
        return []
    date, paper, number = position
    later = sa.tuple_(articles.c.paper, articles.c.number) > sa.tuple_(
        sa.literal(paper), sa.literal(number)
    )
    if not date:
        return [later]
    day = datetime.date.fromisoformat(date)
    # The first condition says nothing new, but lets the index begin there.
    return [articles.c.date <= day, sa.or_(articles.c.date < day, later)]


def names(
    connection: Connection,
    prefix: str = "",
    label: str = "",
    *,
    model: ModelKey | None = None,
    limit: int = PAGE,
) -> list[Name]:
    """The strings that a model marked and that begin with a prefix, sorted by code point.

    As far as people let them stand, see `ner.store.verdicts.is_kept`.

    Args:
        label: only those marked with this label; all if empty.
        model: the model that tagged something last, if None.
        limit: the most names.
    """
    model = model or next(iter(latest_models(connection)), None)
    if model is None:
        return []
    count = sa.func.count()
    query = (
        sa.select(spans.c.surface, spans.c.label, count)
        .where(by_model(model), is_kept())
        .group_by(spans.c.surface, spans.c.label)
        .order_by(spans.c.surface, spans.c.label)
        .limit(limit)
    )
    if prefix:
        query = query.where(spans.c.surface >= prefix, spans.c.surface < prefix + LAST)
    if label:
        query = query.where(spans.c.label == label)
    return [Name(*row) for row in connection.execute(query)]


def marked(name: str, filters: Filters) -> Candidates:
    """The articles where a name may be marked, by the index on names: of a frequent one only those asked for.

    Args:
        filters: with a label only where it is marked with that; with a model only by this one, without by
            any, also one that has not tagged the article last.
    """
    label = filters.get("label", "")
    wanted: list[tuple[int, str]] = []
    right: list[int] = []

    def after(connection: Connection, last: int) -> list[int]:
        if not wanted and not right:
            found = labels_of_models(connection, filters.get("model"))
            wanted.extend(each for each in found if label in ("", each[1]))
            if not filters.get("as_tagged"):
                right.extend(sorted(connection.scalars(called_right(label, name).distinct())))
        # In each part the articles come sorted.
        parts = [
            sa.select(spans.c.article)
            .where(spans.c.surface == name[:SURFACE], spans.c.label == each)
            .where(spans.c.model == number, spans.c.article > last)
            .where(spans.c.end - spans.c.start == len(name))
            .order_by(spans.c.article)
            .distinct()
            .limit(CHUNK)
            .subquery()
            for number, each in wanted
        ]
        begin = bisect(right, last)
        next_ones = set(right[begin : begin + CHUNK])
        if parts:
            union = sa.union(*(sa.select(part) for part in parts)).subquery()
            first = sa.select(union).order_by(union.c.article).limit(CHUNK)
            next_ones.update(connection.scalars(first))
        return sorted(next_ones)[:CHUNK]

    return after


def counts(connection: Connection, by: By, **filters: Unpack[Filters]) -> dict[str, int]:
    """How many articles match, by paper, month (``2025-03``) or model; or how many spans, by label.

    What has no paper or date is under an empty key.

    Raises:
        NerError: the date is not one.
    """
    conditions = matching(filters)
    query: sa.Select[Any]
    if by == "label":
        model = filters.get("model")
        query = sa.select(spans.c.label, sa.func.count())
        if model and not conditions:  # all of a model: by its index
            query = query.where(spans.c.model == model_number(model).scalar_subquery())
        else:
            query = query.where(by_model(model))
        if conditions:
            query = query.join(articles, articles.c.number == spans.c.article).where(*conditions)
        query = query.group_by(spans.c.label)
    elif by == "model":
        name = (models.c.name + "-" + models.c.version).label("model")
        counted = sa.select(tagged.c.model, sa.func.count().label("articles"))
        if conditions:
            counted = counted.join(articles, articles.c.number == tagged.c.article)
        found = counted.where(*conditions).group_by(tagged.c.model).subquery()
        joined = models.join(found, found.c.model == models.c.number)
        query = sa.select(name, sa.func.sum(found.c.articles)).select_from(joined).group_by(name)
    else:
        key: Any = articles.c.paper if by == "paper" else month_of(connection, articles.c.date)
        query = sa.select(key, sa.func.count()).where(*conditions).group_by(key)
    rows = connection.execute(query).all()
    return {
        str(key or ""): int(count) for key, count in sorted(rows, key=lambda r: str(r[0] or ""))
    }
