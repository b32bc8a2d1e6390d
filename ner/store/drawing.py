"""Which articles a queue gets, and in which order.

Drawing only reads, in transactions that are short: others go on writing. What has to look at all articles
does so a stretch at a time, and tells how far it is.
"""

import random
from collections import Counter
from collections.abc import Callable, Iterator
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store import comparing
from ner.store.articles import Filters, matching
from ner.store.paging import Read
from ner.store.runs import ModelKey, by_model, labels_of_models, latest_models, tagged_by
from ner.store.schema import SURFACE, articles, span_decisions, spans, texts

KINDS = ("random", "uncertain", "brands", "newest", "retagged", "differ")
"""A random sample; the least certain first; the first article of each brand that nobody has decided on;
all by date, the newest first; what tagging again changed, and what two models mark differently, both those
with the most differences first."""

STRETCH = 20_000  # articles in one transaction

Watch = Callable[[int, int], None]
"""Told how many articles were looked at, of how many."""


def draw(
    read: Read,
    kind: str,
    filters: Filters,
    size: int,
    seed: int,
    models: tuple[ModelKey, ModelKey] | None = None,
    watch: Watch = lambda done, total: None,
) -> list[int]:
    """The primary keys of a queue's articles, in their order: see `ReviewStore.make_queue`."""
    model = filters.get("model")
    every = sa.select(articles.c.number).where(*matching(filters), tagged_by(model))
    if kind == "random":
        return _random(read, every, size, seed, watch)
    if kind == "newest":
        return _newest(read, every.where(*matching({"reviewed": False})), size)
    if kind == "uncertain" and (filters.get("date") or filters.get("name")):
        return _least_certain_of_few(read, filters, size)
    if kind == "uncertain":
        return _least_certain(read, filters, size)
    if kind == "brands":
        return _new_brands(read, filters, size, watch)
    two = models or tuple(read(_last_two))
    return _changed(read, two[0], two[1], filters, size, watch)


def _random(read: Read, every: sa.Select[Any], size: int, seed: int, watch: Watch) -> list[int]:
    numbers: list[int] = []
    for first, last in _stretches(read, watch):
        query = every.where(articles.c.number.between(first, last)).order_by(articles.c.number)
        numbers += _rows(read, query)
    return random.Random(seed).sample(numbers, min(size, len(numbers)))


def _newest(read: Read, left: sa.Select[Any], size: int) -> list[int]:
    """By date, the newest first; those without a date last, which databases sort differently."""
    dated = left.where(articles.c.date.isnot(None))
    undated = left.where(articles.c.date.is_(None)).order_by(articles.c.number)
    found: list[int] = []
    for query in (dated.order_by(articles.c.date.desc(), articles.c.number), undated):
        found += _rows(read, query.limit(size - len(found)))
    return found


def _least_certain(read: Read, filters: Filters, size: int) -> list[int]:
    """By the least score in an article: from an index of scores, of which so many are read as it takes."""
    model, label = filters.get("model"), filters.get("label", "")
    others: Filters = {**filters, "label": "", "reviewed": False}
    wanted = read(lambda connection: labels_of_models(connection, model))
    limit = size
    while True:
        limit *= 4
        parts = [
            sa.select(spans.c.article, spans.c.score)
            .join(articles, articles.c.number == spans.c.article)
            .where(spans.c.model == number, spans.c.label == name, by_model(model))
            .where(*matching(others))
            .order_by(spans.c.score, spans.c.article)
            .limit(limit)
            .subquery()
            for number, name in wanted
            if label in ("", name)
        ]
        if not parts:
            return []
        union = sa.union_all(*(sa.select(part) for part in parts)).subquery()
        query = sa.select(union.c.article).order_by(union.c.score, union.c.article).limit(limit)
        rows = _rows(read, query)
        found = list(dict.fromkeys(rows))
        if len(found) >= size or len(rows) < limit:
            return found[:size]


def _least_certain_of_few(read: Read, filters: Filters, size: int) -> list[int]:
    """The same where an index gives the articles: along the scores one would come by few of them."""
    label = filters.get("label")
    left = sa.select(articles.c.number).where(*matching({**filters, "reviewed": False}))
    query = (
        sa.select(spans.c.article)
        .where(spans.c.article.in_(left), by_model(filters.get("model")))
        .where(*([spans.c.label == label] if label else []))
        .group_by(spans.c.article)
        .order_by(sa.func.min(spans.c.score), spans.c.article)
    )
    return _rows(read, query.limit(size))


def _new_brands(read: Read, filters: Filters, size: int, watch: Watch) -> list[int]:
    model = filters.get("model")
    known = _decided_brands(read)
    found: dict[int, None] = {}
    for stretch in _stretches(read, watch):
        query = (
            sa.select(spans.c.article, spans.c.surface)
            .join(articles, articles.c.number == spans.c.article)
            .where(spans.c.article.between(*stretch), spans.c.label == "BRAND", by_model(model))
            .where(*matching({**filters, "reviewed": False}))
            .order_by(spans.c.article, spans.c.start)
        )
        for article, surface in _rows(read, query):
            if surface not in known:
                known.add(surface)
                found[article] = None
        if len(found) >= size:
            break
    return list(found)[:size]


def _decided_brands(read: Read) -> set[str]:
    """The strings that people decided on as brands, as long as those of spans at most."""
    decided = span_decisions
    surface = sa.func.substr(texts.c.text, decided.c.start + 1, decided.c.end - decided.c.start)
    query = sa.select(surface).join(texts, texts.c.article == decided.c.article)
    found = _rows(read, query.where(decided.c.label == "BRAND").distinct())
    return {string[:SURFACE] for string in found}


def _changed(
    read: Read, old: ModelKey, new: ModelKey, filters: Filters, size: int, watch: Watch
) -> list[int]:
    """The unread articles in which two models mark differently, those with the most differences first."""
    label = filters.get("label", "")
    others: Filters = {**filters, "label": "", "model": None, "reviewed": False}
    many: Counter[int] = Counter()

    for stretch in _stretches(read, watch):

        def count(connection: Connection, stretch: tuple[int, int] = stretch) -> list[Any]:
            changes = comparing.changes(connection, old, new, stretch=stretch).subquery()
            query = (
                sa.select(changes.c.article, sa.func.count())
                .join(articles, articles.c.number == changes.c.article)
                .where(*matching(others), *([changes.c.label == label] if label else []))
                .group_by(changes.c.article)
            )
            return list(connection.execute(query))

        many.update(dict(read(count)))
        if len(many) > 10 * size:  # no more are kept than may be wanted
            many = Counter(dict(_most(many, size)))
    return [number for number, _ in _most(many, size)]


def _most(many: Counter[int], size: int) -> list[tuple[int, int]]:
    return sorted(many.items(), key=lambda each: (-each[1], each[0]))[:size]


def _last_two(connection: Connection) -> list[ModelKey]:
    """The model before the one that tagged something last, and that one."""
    match latest_models(connection):
        case [new, old, *_]:
            return [old, new]
    raise NerError(
        "only one model has tagged this store", remedy="tag it with another too: ner tag --model"
    )


def _stretches(read: Read, watch: Watch) -> Iterator[tuple[int, int]]:
    """All articles: the first and the last number of each stretch."""
    [last] = _rows(read, sa.select(sa.func.coalesce(sa.func.max(articles.c.number), 0)))
    for first in range(1, last + 1, STRETCH):
        watch(first - 1, last)
        yield first, first + STRETCH - 1
    watch(last, last)


def _rows(read: Read, query: sa.Select[Any]) -> list[Any]:
    """The rows of a query; of one column its values."""

    def fetch(connection: Connection) -> list[Any]:
        found = connection.execute(query)
        return list(found.scalars() if len(query.selected_columns) == 1 else found)

    return read(fetch)
