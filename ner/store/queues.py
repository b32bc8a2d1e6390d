"""Queues of articles to review: drawn once in an order, and handed out so that no two get the same."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NotRequired, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store import independent
from ner.store.articles import Filters, matching
from ner.store.drawing import KINDS, draw
from ner.store.runs import ModelKey
from ner.store.schema import articles, chunks, insert, leases, now, queue_articles, queues

LEASE = datetime.timedelta(minutes=30)
QUEUE_LOCK = 0x6E6573  # the number of PostgreSQL's advisory lock


@dataclass(frozen=True, slots=True)
class Queue:
    """A queue and how far it is.

    Args:
        seed: of a random sample; None for other kinds.
        size: how many articles it has.
        reviewed: how many of them a person has read as a whole; where several read them independently,
            of how many it is settled what is right.
        readers: how many people read each article.
        disputed: how many wait for somebody to settle where their readers differ.
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
    readers: int = 1
    disputed: int = 0


class Drawing(TypedDict):
    """How a queue is drawn.

    ``size`` is the most articles it gets, ``seed`` that of a random sample: the same store, filters and seed
    give the same articles. ``readers`` is how many people read each article, independently; one if left out.
    ``models`` are those whose spans are compared; if left out, the two that tagged something last.
    """

    size: int
    seed: int
    made_by: str
    readers: NotRequired[int]
    models: NotRequired[tuple[ModelKey, ModelKey] | None]


def make_queue(
    connection: Connection, name: str, kind: str, filters: Filters, **drawing: Unpack[Drawing]
) -> int:
    """Draw a queue; its number.

    Raises:
        NerError: there is no such kind, no article matches, or there are no two models to compare.
    """
    if kind not in KINDS:
        raise NerError(f"no kind of queue {kind!r}", remedy=f"one of {', '.join(KINDS)}")
    seed, models = drawing["seed"], drawing.get("models")
    numbers = draw(connection, kind, filters, drawing["size"], seed, models)
    if not numbers:
        raise NerError("no article matches", remedy="tag the store first, or ask for less")
    shown = {key: str(value) for key, value in filters.items() if value}
    if models:
        shown["models"] = " / ".join(map(str, models))
    queue = connection.scalar(
        queues.insert()
        .values(
            name=name,
            kind=kind,
            seed=seed if kind == "random" else None,
            filters=json.dumps(shown, ensure_ascii=False),
            made_by=drawing["made_by"],
            made_at=now(),
            readers=drawing.get("readers", 1),
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
            sa.case((queues.c.readers > 1, _count_disputed()), else_=0).label("disputed"),
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
    `after`, else the first of all. What this reviewer had in hand before is free again, but `after`. Where
    several people read each article, it is given until so many have finished it, to each of them once.
    """
    wanted = [~_read()]
    if (readers := independent.readers_of(connection, queue)) > 1:
        wanted.append(~independent.finished_by(reviewer, queue))
        wanted.append(independent.count_readers(queue) < readers)
    return _hand_out(connection, queue, reviewer, after, wanted)


def take_disputed(
    connection: Connection, queue: int, reviewer: str, after: str, *, own: bool
) -> str | None:
    """The same for an article whose independent readers differ.

    Args:
        own: also one that this reviewer has read.
    """
    wanted = [~_read(), independent.count_readers(queue) > 1]
    if not own:
        wanted.append(~independent.finished_by(reviewer, queue))
    return _hand_out(connection, queue, reviewer, after, wanted)


def _hand_out(
    connection: Connection,
    queue: int,
    reviewer: str,
    after: str,
    wanted: Sequence[sa.ColumnElement[bool]],
) -> str | None:
    """The id of the next article of a queue that is wanted and in nobody else's hands."""
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
        .where(queue_articles.c.queue == queue, ~in_other_hands, *wanted)
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
    kept = sa.select(articles.c.number).where(articles.c.id == after, *wanted)
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


def count_finished(connection: Connection, queue: int, reviewer: str) -> int:
    """How many articles of a queue an independent reader has finished."""
    query = (
        sa.select(sa.func.count())
        .select_from(queue_articles.join(articles, articles.c.number == queue_articles.c.article))
        .where(queue_articles.c.queue == queue, independent.finished_by(reviewer, queue))
    )
    return connection.scalar(query) or 0


def _count_disputed() -> sa.ScalarSelect[int]:
    """How many articles of a queue have been read by two people and are not settled."""
    mine, article = queue_articles.alias(), articles
    query = (
        sa.select(sa.func.count())
        .select_from(mine.join(article, article.c.number == mine.c.article))
        .where(mine.c.queue == queues.c.number, ~_read())
        .where(independent.count_readers(queues.c.number) > 1)
    )
    return query.correlate(queues).scalar_subquery()


def _read() -> sa.ColumnElement[bool]:
    """A condition on `articles`: a person read all of its present text."""
    [condition] = matching({"reviewed": True})
    return condition
