"""Queues of articles to review: drawn once in an order, and handed out so that no two get the same."""

import datetime
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, NotRequired, TypedDict, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store import independent
from ner.store.articles import Filters
from ner.store.decisions import insert_row
from ner.store.runs import ModelKey
from ner.store.schema import articles, chunks, insert, leases, now, queue_articles, queues, reviews
from ner.store.verdicts import counts, was_read

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


def add_queue(
    connection: Connection,
    numbers: Sequence[int],
    name: str,
    kind: str,
    filters: Filters,
    **drawing: Unpack[Drawing],
) -> int:
    """Keep a queue with the articles that were drawn; its number."""
    shown = {key: str(value) for key, value in filters.items() if value}
    if models := drawing.get("models"):
        shown["models"] = " / ".join(map(str, models))
    values = {
        "name": name,
        "kind": kind,
        "seed": drawing["seed"] if kind == "random" else None,
        "filters": json.dumps(shown, ensure_ascii=False),
        "made_by": drawing["made_by"],
        "made_at": now(),
        "readers": drawing.get("readers", 1),
    }
    queue = insert_row(connection, queues, values)
    rows = [
        {"queue": queue, "position": position, "article": number}
        for position, number in enumerate(numbers)
    ]
    for part in chunks(rows):
        connection.execute(queue_articles.insert(), list(part))
    return queue


def list_queues(connection: Connection) -> list[Queue]:
    """The queues, newest first."""
    return [_queue(row) for row in connection.execute(_with_counts(one=False))]


def find_queue(connection: Connection, number: int) -> Queue | None:
    """A queue by its number; None where there is none."""
    row = connection.execute(_with_counts(one=True), {"number": number}).first()
    return _queue(row) if row else None


def _queue(row: Any) -> Queue:
    return Queue(**{**row._mapping, "filters": json.loads(row.filters)})


@cache
def _with_counts(*, one: bool) -> sa.Select[Any]:
    size = sa.select(sa.func.count()).where(queue_articles.c.queue == queues.c.number)
    found = articles.alias()
    read = sa.select(reviews.c.number).where(
        reviews.c.article == queue_articles.c.article,
        # An article is looked at only where somebody has read it: no index serves the other way.
        found.c.number == reviews.c.article + 0,
        found.c.text_hash == reviews.c.text_hash,
        counts(reviews),
    )
    query = sa.select(
        queues,
        size.scalar_subquery().label("size"),
        size.where(read.correlate(queue_articles).exists()).scalar_subquery().label("reviewed"),
        sa.case((queues.c.readers > 1, _count_disputed()), else_=0).label("disputed"),
    )
    if one:
        return query.where(queues.c.number == sa.bindparam("number"))
    return query.order_by(queues.c.number.desc())


def newest_queue(connection: Connection) -> int | None:
    """The number of the queue that was made last; None where there is none."""
    number: int | None = connection.scalar(sa.select(sa.func.max(queues.c.number)))
    return number


def take_next(connection: Connection, queue: int, reviewer: str, after: str = "") -> str | None:
    """The id of the next article of a queue for a reviewer, who then has it in hand for half an hour.

    Of articles that nobody has read as a whole and nobody else has in hand: the first that comes after
    `after`, else the first of all. What this reviewer had in hand before is free again, but `after`. Where
    several people read each article, it is given until so many have finished it, to each of them once.
    """
    several = independent.readers_of(connection, queue) > 1
    return _hand_out(connection, queue, reviewer, after, ("unfinished",) if several else ())


def take_disputed(
    connection: Connection, queue: int, reviewer: str, after: str = "", *, own: bool = False
) -> str | None:
    """The same for an article whose independent readers differ.

    Args:
        own: also one that this reviewer has read.
    """
    wanted = ("disputed",) if own else ("disputed", "others")
    return _hand_out(connection, queue, reviewer, after, wanted)


def _hand_out(
    connection: Connection, queue: int, reviewer: str, after: str, wanted: tuple[str, ...]
) -> str | None:
    """The id of the next article of a queue that is wanted and in nobody else's hands."""
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(QUEUE_LOCK)))
    keys = {"queue": queue, "reviewer": reviewer, "after": after, "now": now()}
    row = connection.execute(_next(wanted, behind=True), keys).first() if after else None
    row = row or connection.execute(_next(wanted, behind=False), keys).first()
    connection.execute(_letting_go(wanted), keys)
    if row is None:
        return None
    hold(connection, row.number, reviewer)
    return str(row.id)


@cache
def _next(wanted: tuple[str, ...], *, behind: bool) -> sa.Select[Any]:
    """The first article of a queue that is wanted: behind another, or of all but that."""
    in_other_hands = sa.exists().where(
        leases.c.article == articles.c.number,
        leases.c.reviewer != sa.bindparam("reviewer"),
        leases.c.until > sa.bindparam("now"),
    )
    here = queue_articles.c.queue == sa.bindparam("queue")
    after: sa.BindParameter[str] = sa.bindparam("after")
    query = (
        sa.select(articles.c.number, articles.c.id)
        .join(queue_articles, queue_articles.c.article == articles.c.number)
        .where(here, ~in_other_hands, *_wanted(wanted))
        .order_by(queue_articles.c.position)
        .limit(1)
    )
    if not behind:
        return query.where(articles.c.id != after)
    place = (
        sa.select(queue_articles.c.position)
        .join(articles, articles.c.number == queue_articles.c.article)
        .where(here, articles.c.id == after)
    )
    return query.where(queue_articles.c.position > place.scalar_subquery())


@cache
def _letting_go(wanted: tuple[str, ...]) -> sa.Delete:
    """What a reviewer had in hand is free again, but the article that the next one comes after."""
    kept = sa.select(articles.c.number).where(
        articles.c.id == sa.bindparam("after"), *_wanted(wanted)
    )
    mine = leases.c.reviewer == sa.bindparam("reviewer")
    return leases.delete().where(mine, leases.c.article.not_in(kept))


def _wanted(which: tuple[str, ...]) -> list[sa.ColumnElement[bool]]:
    """Conditions on `articles`: nobody has read it, and what else is wanted."""
    queue: sa.BindParameter[int] = sa.bindparam("queue")
    reviewer: sa.BindParameter[str] = sa.bindparam("reviewer")
    readers = sa.select(queues.c.readers).where(queues.c.number == queue).scalar_subquery()
    conditions = {
        "unfinished": [
            ~independent.finished_by(reviewer, queue),
            independent.count_readers(queue) < readers,
        ],
        "disputed": [independent.count_readers(queue) > 1],
        "others": [~independent.finished_by(reviewer, queue)],
    }
    return [~was_read(), *(each for name in which for each in conditions[name])]


def hold(connection: Connection, article: int, reviewer: str) -> None:
    """Put an article in a reviewer's hands, whoever had it before."""
    values = {"reviewer": reviewer, "until": now() + LEASE}
    connection.execute(
        insert(connection, leases)
        .values(article=article, **values)
        .on_conflict_do_update(index_elements=["article"], set_=values)
    )


def articles_of(connection: Connection, queue: int) -> list[int]:
    """The primary keys of a queue's articles that were read as a whole, sorted."""
    query = (
        sa.select(articles.c.number)
        .join(queue_articles, queue_articles.c.article == articles.c.number)
        .where(queue_articles.c.queue == queue, was_read())
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
        .where(mine.c.queue == queues.c.number, ~was_read())
        .where(independent.count_readers(queues.c.number) > 1)
    )
    return query.correlate(queues).scalar_subquery()
