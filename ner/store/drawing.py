"""Which articles a queue gets, and in which order."""

import random
from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store import comparing
from ner.store.articles import Filters, matching
from ner.store.runs import ModelKey, by_model, latest_models, tagged_by
from ner.store.schema import articles, span_decisions, spans, texts

KINDS = ("random", "uncertain", "brands", "newest", "retagged", "differ")
"""A random sample; the least certain first; the first article of each brand that nobody has decided on;
all by date, the newest first; what tagging again changed, and what two models mark differently, both those
with the most differences first."""


def draw(
    connection: Connection,
    kind: str,
    filters: Filters,
    size: int,
    seed: int,
    models: tuple[ModelKey, ModelKey] | None = None,
) -> Sequence[int]:
    """The primary keys of a queue's articles, in their order: see `ner.store.queues.make_queue`."""
    model = filters.get("model")
    every = sa.select(articles.c.number).where(*matching(filters), tagged_by(model))
    if kind == "random":
        numbers = list(connection.scalars(every.order_by(articles.c.number)))
        return random.Random(seed).sample(numbers, min(size, len(numbers)))
    left = every.where(*matching({"reviewed": False}))
    if kind == "newest":
        query: sa.Select[Any] = left.order_by(articles.c.date.desc(), articles.c.number)
    elif kind == "uncertain":
        least = sa.select(spans.c.article).where(by_model(model), spans.c.article.in_(left))
        if filters.get("label"):
            least = least.where(spans.c.label == filters["label"])
        least = least.group_by(spans.c.article)
        query = least.order_by(sa.func.min(spans.c.score), spans.c.article)
    elif kind == "brands":
        query = _new_brands(model, left)
    else:
        query = _changed(*(models or _last_two(connection)), filters, connection)
    return list(connection.scalars(query.limit(size)))


def _new_brands(model: ModelKey | None, left: sa.Select[Any]) -> sa.Select[Any]:
    surface = sa.func.substr(
        texts.c.text,
        span_decisions.c.start + 1,
        span_decisions.c.end - span_decisions.c.start,
    )
    known = (
        sa.select(surface)
        .join(texts, texts.c.article == span_decisions.c.article)
        .where(span_decisions.c.label == "BRAND")
    )
    first = (
        sa.select(sa.func.min(spans.c.article).label("article"))
        .where(by_model(model), spans.c.label == "BRAND", spans.c.article.in_(left))
        .where(spans.c.surface.not_in(known))
        .group_by(spans.c.surface)
        .subquery()
    )
    return sa.select(first.c.article).distinct().order_by(first.c.article)


def _changed(
    old: ModelKey, new: ModelKey, filters: Filters, connection: Connection
) -> sa.Select[Any]:
    """The unread articles in which two models mark differently, those with the most differences first."""
    label = filters.get("label", "")
    others: Filters = {**filters, "label": "", "model": None, "reviewed": False}
    changes = comparing.changes(connection, old, new).subquery()
    many = sa.func.count()
    query = (
        sa.select(changes.c.article)
        .join(articles, articles.c.number == changes.c.article)
        .where(*matching(others), *([changes.c.label == label] if label else []))
        .group_by(changes.c.article)
    )
    return query.order_by(many.desc(), changes.c.article)


def _last_two(connection: Connection) -> tuple[ModelKey, ModelKey]:
    """The model before the one that tagged something last, and that one."""
    match latest_models(connection):
        case [new, old, *_]:
            return old, new
    raise NerError(
        "only one model has tagged this store", remedy="tag it with another too: ner tag --model"
    )
