"""Queues of articles to review: drawn once in an order, and handed out so that no two get the same."""

import datetime
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store.articles import Filters, matching
from ner.store.runs import by_model, tagged_by
from ner.store.schema import (
    articles,
    chunks,
    insert,
    leases,
    now,
    queue_articles,
    queues,
    span_decisions,
    spans,
    texts,
)

KINDS = ("random", "uncertain", "brands", "newest")
"""A random sample; the least certain first; the first article of each brand that nobody has decided on;
all by date, the newest first."""
LEASE = datetime.timedelta(minutes=30)
QUEUE_LOCK = 0x6E6573  # the number of PostgreSQL's advisory lock


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and how far it is.

    Args:
        seed: of a random sample; None for other kinds.
        size: how many articles it has.
        reviewed: how many of them a person has read as a whole.
    """

    number: int
    name: str
    kind: str
    seed: int | None
    filters: Mapping[str, str]
    made_by: str
    made_at: datetime.datetime
    size: int
    reviewed: int


def make_queue(
    connection: Connection,
    name: str,
    kind: str,
    filters: Filters,
    *,
    size: int,
    seed: int,
    made_by: str,
) -> int:
    """Draw a queue; its number.

    Args:
        size: the most articles it gets.
        seed: of a random sample: the same store, filters and seed give the same articles.

    Raises:
        NerError: there is no such kind, or no article matches.
    """
    if kind not in KINDS:
        raise NerError(f"no kind of queue {kind!r}", remedy=f"one of {', '.join(KINDS)}")
    numbers = _draw(connection, kind, filters, size, seed)
    if not numbers:
        raise NerError("no article matches", remedy="tag the store first, or ask for less")
    shown = {key: str(value) for key, value in filters.items() if value}
    queue = connection.scalar(
        queues.insert()
        .values(
            name=name,
            kind=kind,
            seed=seed if kind == "random" else None,
            filters=json.dumps(shown, ensure_ascii=False),
            made_by=made_by,
            made_at=now(),
        )
        .returning(queues.c.number)
    )
    assert queue is not None  # it was just written
    rows = [
        {"queue": queue, "position": position, "article": number}
        for position, number in enumerate(numbers)
    ]
    for part in chunks(rows):
        connection.execute(queue_articles.insert(), list(part))
    return int(queue)


def list_queues(connection: Connection, number: int | None = None) -> list[Queue]:
    """The queues, newest first; only one of them where its number is given."""
    query = (
        sa.select(
            queues,
            sa.func.count(queue_articles.c.article).label("size"),
            sa.func.count(articles.c.number).label("reviewed"),
        )
        .outerjoin(queue_articles, queue_articles.c.queue == queues.c.number)
        .outerjoin(articles, (articles.c.number == queue_articles.c.article) & _read())
        .group_by(*queues.c)
        .order_by(queues.c.number.desc())
    )
    if number is not None:
        query = query.where(queues.c.number == number)
    return [
        Queue(**{**row._mapping, "filters": json.loads(row.filters)})
        for row in connection.execute(query)
    ]


def take_next(connection: Connection, queue: int, reviewer: str, after: str = "") -> str | None:
    """The id of the next article of a queue for a reviewer, who then has it in hand for half an hour.

    Of articles that nobody has read as a whole and nobody else has in hand: the first that comes after
    `after`, else the first of all. What this reviewer had in hand before is free again, but `after`.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(QUEUE_LOCK)))
    time = now()
    in_other_hands = sa.exists().where(
        leases.c.article == articles.c.number,
        leases.c.reviewer != reviewer,
        leases.c.until > time,
    )
    query = (
        sa.select(articles.c.number, articles.c.id)
        .join(queue_articles, queue_articles.c.article == articles.c.number)
        .where(queue_articles.c.queue == queue, ~_read(), ~in_other_hands)
        .order_by(queue_articles.c.position)
        .limit(1)
    )
    here = (
        sa.select(queue_articles.c.position)
        .join(articles, articles.c.number == queue_articles.c.article)
        .where(queue_articles.c.queue == queue, articles.c.id == after)
    ).scalar_subquery()
    row = (
        connection.execute(query.where(queue_articles.c.position > here)).first() if after else None
    )
    row = row or connection.execute(query.where(articles.c.id != after)).first()
    kept = sa.select(articles.c.number).where(articles.c.id == after, ~_read())
    connection.execute(
        leases.delete().where(leases.c.reviewer == reviewer, leases.c.article.not_in(kept))
    )
    if row is None:
        return None
    hold(connection, row.number, reviewer)
    return str(row.id)


def hold(connection: Connection, article: int, reviewer: str) -> None:
    """Put an article in a reviewer's hands, whoever had it before."""
    values = {"reviewer": reviewer, "until": now() + LEASE}
    connection.execute(
        insert(connection, leases)
        .values(article=article, **values)
        .on_conflict_do_update(index_elements=["article"], set_=values)
    )


def holder(connection: Connection, article_id: str) -> str | None:
    """Who has an article in hand."""
    query = (
        sa.select(leases.c.reviewer)
        .join(articles, articles.c.number == leases.c.article)
        .where(articles.c.id == article_id, leases.c.until > now())
    )
    return connection.scalar(query)


def articles_of(connection: Connection, queue: int) -> list[int]:
    """The primary keys of a queue's articles that were read as a whole, sorted."""
    query = (
        sa.select(articles.c.number)
        .join(queue_articles, queue_articles.c.article == articles.c.number)
        .where(queue_articles.c.queue == queue, _read())
        .order_by(articles.c.number)
    )
    return list(connection.scalars(query))


def _read() -> sa.ColumnElement[bool]:
    """A condition on `articles`: a person read all of its present text."""
    [condition] = matching({"reviewed": True})
    return condition


def _draw(
    connection: Connection, kind: str, filters: Filters, size: int, seed: int
) -> Sequence[int]:
    model = filters.get("model")
    wanted = [*matching(filters), tagged_by(model)]
    every = sa.select(articles.c.number).where(*wanted)
    if kind == "random":
        numbers = list(connection.scalars(every.order_by(articles.c.number)))
        return random.Random(seed).sample(numbers, min(size, len(numbers)))
    left = every.where(~_read())
    if kind == "newest":
        ordered: sa.Select[Any] = left.order_by(articles.c.date.desc(), articles.c.number)
        return list(connection.scalars(ordered.limit(size)))
    of_model = sa.select(spans.c.article).where(by_model(model))
    if filters.get("label"):
        of_model = of_model.where(spans.c.label == filters["label"])
    if kind == "uncertain":
        least = of_model.where(spans.c.article.in_(left)).group_by(spans.c.article)
        return list(
            connection.scalars(
                least.order_by(sa.func.min(spans.c.score), spans.c.article).limit(size)
            )
        )
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
    query = sa.select(first.c.article).distinct().order_by(first.c.article)
    return list(connection.scalars(query.limit(size)))
