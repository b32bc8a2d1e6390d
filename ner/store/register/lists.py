"""Reading the register: lists of entries, what was counted of one, where it stands, what is near it."""

import datetime
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Unpack

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.articles import Filters, matching
from ner.store.register.derive import same_key, totals
from ner.store.register.edits import REJECT, standing_verdicts
from ner.store.schema import (
    LAST,
    articles,
    chunks,
    month_of,
    register_counts,
    register_keys,
    register_mentions,
)

NEW_DAYS = 7  # an entry is new where its first article is at most so much older than the newest
RISING_DAYS = 28  # of the last, compared with the three times as many before them
RISING_LEAST = 3  # articles in the last days
DORMANT_DAYS = 180  # without an article, up to the newest of all
DORMANT_LEAST = 3  # articles in all
NEAR_ARTICLES = 300  # of an entry, the newest, in which its neighbours are counted
NEAR = 12  # neighbours of an entry, at most

Trend = Literal["", "new", "rising", "dormant"]
TRENDS = ("new", "rising", "dormant")


@dataclass(frozen=True, slots=True)
class Entry:
    """An entity of the register.

    Args:
        key: of its root; by it the entry is found again.
        sort: what its articles say most often that it is (``platform``); empty if nothing.
        first: the day of its first article, of those that have one.
        total: in how many articles of the store it stands, where `articles` counts only some.
    """

    kind: str
    key: str
    name: str
    sort: str
    articles: int
    mentions: int
    first: datetime.date | None
    last: datetime.date | None
    total: int


@dataclass(frozen=True, slots=True)
class Place:
    """An article that an entry stands in."""

    id: str
    title: str
    paper: str
    date: datetime.date | None
    mentions: int


def newest_day(connection: Connection) -> datetime.date | None:
    """The day of the newest article: what new, rising and dormant are reckoned from."""
    newest: datetime.date | None = connection.scalar(sa.select(sa.func.max(articles.c.date)))
    return newest


def entries(
    connection: Connection,
    kind: str,
    *,
    prefix: str = "",
    trend: Trend = "",
    offset: int = 0,
    limit: int | None = None,
    **filters: Unpack[Filters],
) -> list[Entry]:
    """Entries, those in the most articles first; without those that people rejected.

    Args:
        prefix: only those with a name or a form that begins so.
        trend: only the new ones; the rising ones, the steepest first; or the dormant ones.
        filters: count only in articles that match, and list what stands in them.
    """
    found = _figures(kind, filters)
    order: list[sa.ColumnElement[Any]] = []
    if trend:
        day = newest_day(connection)
        if day is None:
            return []
        if trend == "new":
            since = day - datetime.timedelta(days=NEW_DAYS)
            found = found.where(register_keys.c.first > since)
        elif trend == "dormant":
            since = day - datetime.timedelta(days=DORMANT_DAYS)
            found = found.where(
                register_keys.c.last <= since, register_keys.c.articles >= DORMANT_LEAST
            )
        else:
            recent, before = (_between(kind, *days) for days in _rising_days(day))
            found = found.join(recent, recent.c.entity == register_keys.c.entity).outerjoin(
                before, before.c.entity == register_keys.c.entity
            )
            earlier = sa.func.coalesce(before.c.articles, 0)
            found = found.where(
                recent.c.articles >= RISING_LEAST, recent.c.articles * 3 > earlier * 2
            )
            order = [((recent.c.articles + 1) * 100 / (earlier + 3)).desc()]
    if prefix:
        found = found.where(_begins(kind, prefix))
    if rejected := [
        key for key, verdict in standing_verdicts(connection, kind).items() if verdict == REJECT
    ]:
        found = found.where(register_keys.c.entity.not_in(rejected))
    columns = found.selected_columns
    order += [columns["articles"].desc(), columns["mentions"].desc(), register_keys.c.key]
    query = found.order_by(*order).offset(offset or None).limit(limit)
    return [Entry(kind, **row._mapping) for row in connection.execute(query)]


def _rising_days(
    day: datetime.date,
) -> tuple[tuple[datetime.date, datetime.date], tuple[datetime.date, datetime.date]]:
    """The last days and those before them, each as the day before it begins and its last."""
    begin = day - datetime.timedelta(days=RISING_DAYS)
    return (begin, day), (begin - datetime.timedelta(days=3 * RISING_DAYS), begin)


def _between(kind: str, after: datetime.date, until: datetime.date) -> sa.Subquery:
    return (
        sa.select(
            register_keys.c.entity,
            sa.func.count(sa.distinct(register_mentions.c.article)).label("articles"),
        )
        .select_from(register_mentions)
        .join(register_keys, same_key(register_keys, register_mentions))
        .join(articles, articles.c.number == register_mentions.c.article)
        .where(register_mentions.c.kind == kind)
        .where(articles.c.date > after, articles.c.date <= until)
        .group_by(register_keys.c.entity)
        .subquery()
    )


def _figures(kind: str, filters: Filters) -> sa.Select[Any]:
    """Roots with their figures; with filters those of the articles that match."""
    root = sa.and_(register_keys.c.kind == kind, register_keys.c.key == register_keys.c.entity)
    names = ("key", "name", "sort", "articles", "mentions", "first", "last")
    total = register_keys.c.articles.label("total")
    conditions = matching(filters)
    if not conditions:
        columns = [register_keys.c[name] for name in names]
        return sa.select(*columns, total).where(root, register_keys.c.articles > 0)
    keys = register_keys.alias()
    counted = (
        sa.select(
            keys.c.entity,
            sa.func.count(sa.distinct(register_mentions.c.article)).label("articles"),
            sa.func.sum(register_mentions.c.mentions).label("mentions"),
            sa.func.min(articles.c.date).label("first"),
            sa.func.max(articles.c.date).label("last"),
        )
        .join(articles, articles.c.number == register_mentions.c.article)
        .join(keys, same_key(keys, register_mentions))
        .where(register_mentions.c.kind == kind, *conditions)
        .group_by(keys.c.entity)
        .subquery()
    )
    own = [register_keys.c[name] for name in names[:3]]
    return (
        sa.select(*own, *(counted.c[name] for name in names[3:]), total)
        .join(counted, counted.c.entity == register_keys.c.key)
        .where(root)
    )


def _begins(kind: str, prefix: str) -> sa.ColumnElement[bool]:
    """A condition on `register_keys`: the entity's name or one of its keys begins so."""
    keys = register_keys.alias()
    starts = [
        sa.and_(column >= prefix, column < prefix + LAST) for column in (keys.c.key, keys.c.name)
    ]
    found = sa.select(keys.c.entity).where(keys.c.kind == kind, sa.or_(*starts))
    return register_keys.c.entity.in_(found)


def entry(connection: Connection, kind: str, key: str) -> Entry | None:
    """The entry that a key belongs to, rejected or not; None where there is none."""
    query = sa.select(register_keys.c.entity).where(
        register_keys.c.kind == kind, register_keys.c.key == key
    )
    entity = connection.scalar(query)
    found = connection.execute(_figures(kind, {}).where(register_keys.c.key == entity)).first()
    return Entry(kind, **found._mapping) if found else None


def keys_of_name(connection: Connection, kind: str, name: str) -> list[str]:
    """The keys of entries with this name, or with this string among their forms, the most frequent first."""
    forms = sa.select(register_counts.c.key).where(
        register_counts.c.kind == kind,
        register_counts.c.aspect.in_(("name", "short", "whole")),
        register_counts.c.value == name,
    )
    query = sa.select(register_keys.c.key).where(
        register_keys.c.kind == kind,
        register_keys.c.articles > 0,
        (register_keys.c.name == name) | register_keys.c.entity.in_(forms),
    )
    return list(connection.scalars(query.order_by(register_keys.c.articles.desc())))


def aspects(
    connection: Connection, kind: str, entities: Sequence[str], wanted: Sequence[str]
) -> dict[str, dict[str, dict[str, int]]]:
    """What was counted of entries: key to aspect to value to count, summed over their forms."""
    found: dict[str, dict[str, dict[str, int]]] = {key: defaultdict(dict) for key in entities}
    for some in chunks(entities):
        for row in totals(connection, kind, some, register_counts.c.aspect.in_(wanted)):
            found[row.entity][row.aspect][row.value] = int(row.total)
    return found


def spread(connection: Connection, kind: str, aspect: str, values: Iterable[str]) -> dict[str, int]:
    """By how many entries each value was counted."""
    found: dict[str, int] = {}
    for some in chunks(sorted(set(values))):
        query = (
            sa.select(register_counts.c.value, sa.func.count(sa.distinct(register_keys.c.entity)))
            .join(register_keys, same_key(register_keys, register_counts))
            .where(register_counts.c.kind == kind, register_counts.c.aspect == aspect)
            .where(register_counts.c.value.in_(some))
            .group_by(register_counts.c.value)
        )
        found |= {value: count for value, count in connection.execute(query)}
    return found


def names(connection: Connection, kind: str, keys: Iterable[str]) -> dict[str, str]:
    """The names of the entries that keys belong to."""
    root = register_keys.alias()
    found: dict[str, str] = {}
    for some in chunks(sorted(set(keys))):
        query = (
            sa.select(register_keys.c.key, root.c.name)
            .join(
                root, (root.c.kind == register_keys.c.kind) & (root.c.key == register_keys.c.entity)
            )
            .where(register_keys.c.kind == kind, register_keys.c.key.in_(some))
        )
        found |= {key: name for key, name in connection.execute(query)}
    return found


def forms(connection: Connection, kind: str, entity: str) -> list[str]:
    """The keys of an entry, its root first."""
    query = sa.select(register_keys.c.key).where(
        register_keys.c.kind == kind, register_keys.c.entity == entity
    )
    return sorted(connection.scalars(query), key=lambda key: (key != entity, key))


def months_and_papers(connection: Connection, kind: str, entity: str) -> dict[tuple[str, str], int]:
    """In how many articles an entry stands, by month (``2025-03``) and paper."""
    month = month_of(connection, articles.c.date)
    query = (
        sa.select(month, articles.c.paper, sa.func.count())
        .where(articles.c.number.in_(_numbers(kind, entity)))
        .group_by(month, articles.c.paper)
    )
    return {(when or "", paper): count for when, paper, count in connection.execute(query)}


def places(connection: Connection, kind: str, entity: str, *, limit: int = 20) -> list[Place]:
    """The articles of an entry, the newest first."""
    mentions = (
        sa.select(
            register_mentions.c.article, sa.func.sum(register_mentions.c.mentions).label("mentions")
        )
        .where(_of_entity(kind, entity))
        .group_by(register_mentions.c.article)
        .subquery()
    )
    columns = (articles.c.id, articles.c.title, articles.c.paper, articles.c.date)
    query = (
        sa.select(*columns, mentions.c.mentions)
        .join(mentions, mentions.c.article == articles.c.number)
        .order_by(articles.c.date.is_(None), articles.c.date.desc(), articles.c.number.desc())
    )
    return [
        Place(row.id, row.title, row.paper, row.date, int(row.mentions))
        for row in connection.execute(query.limit(limit))
    ]


def neighbours(
    connection: Connection, kind: str, entity: str, other_kind: str
) -> list[tuple[Entry, int]]:
    """The entries of a kind that stand in the same articles, with in how many, the most first.

    Counted in the newest `NEAR_ARTICLES` of the entry's articles.
    """
    newest = (
        sa.select(register_mentions.c.article)
        .where(_of_entity(kind, entity))
        .order_by(register_mentions.c.article.desc())
        .limit(NEAR_ARTICLES)
    )
    keys, mentions = register_keys.alias(), register_mentions.alias()
    shared = sa.func.count(sa.distinct(mentions.c.article)).label("shared")
    counted = (
        sa.select(keys.c.entity, shared)
        .join(keys, same_key(keys, mentions))
        .where(mentions.c.kind == other_kind, mentions.c.article.in_(newest))
        .group_by(keys.c.entity)
        .subquery()
    )
    query = (
        _figures(other_kind, {})
        .add_columns(counted.c.shared)
        .join(counted, counted.c.entity == register_keys.c.key)
        .order_by(counted.c.shared.desc(), register_keys.c.articles, register_keys.c.key)
        .limit(NEAR + 1)
    )
    found = []
    for row in connection.execute(query):
        fields = dict(row._mapping)
        shared_articles = fields.pop("shared")
        if (other_kind, fields["key"]) != (kind, entity):
            found.append((Entry(other_kind, **fields), shared_articles))
    return found[:NEAR]


def divisions(
    connection: Connection, code: str, length: int, of: tuple[str, str] | None = None
) -> dict[str, tuple[int, int]]:
    """What is named of the divisions in one, by the first digits of their codes.

    Args:
        code: that theirs begin with.
        length: of these digits.
        of: kind and key of an entry, whose articles alone count.

    Returns:
        How many mentions, or of an entry's articles how many; and the digits of the longest code.
    """
    table = register_mentions if of else register_keys
    part = sa.func.substr(table.c.key, 1, length)
    digits = sa.func.length(table.c.key)
    number: sa.ColumnElement[int] = sa.func.sum(register_keys.c.mentions)
    if of:
        number = sa.func.count(sa.distinct(register_mentions.c.article))
    query = sa.select(part, number, sa.func.max(digits)).where(table.c.kind == "place")
    query = query.where(sa.func.substr(table.c.key, 1, len(code)) == code, digits >= length)
    if of:
        query = query.where(register_mentions.c.article.in_(_numbers(*of)))
    return {
        key: (int(count), deepest)
        for key, count, deepest in connection.execute(query.group_by(part))
        if count
    }


def _of_entity(kind: str, entity: str) -> sa.ColumnElement[bool]:
    keys = sa.select(register_keys.c.key).where(
        register_keys.c.kind == kind, register_keys.c.entity == entity
    )
    return sa.and_(register_mentions.c.kind == kind, register_mentions.c.key.in_(keys))


def _numbers(kind: str, entity: str) -> sa.Select[Any]:
    return sa.select(register_mentions.c.article).where(_of_entity(kind, entity))
