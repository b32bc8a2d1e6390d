"""Entities of what was counted: which keys are forms of which, and the figures of what is one.

A key is a form of another where a person says so; else of its plain form (渝快办平台 of 渝快办), where that
is a key too; else of the longer one that stands in all of its articles. Only keys whose articles
changed, and those that hang on them, are looked at.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.register.edits import standing_parents
from ner.store.register.update import PARTS, lock_register
from ner.store.schema import (
    articles,
    chunks,
    delete_rows,
    execute_many,
    register_counts,
    register_keys,
    register_mentions,
)

Parents = dict[str, str | None]


def count_stale(connection: Connection, part: str) -> int:
    """How many keys wait to be derived."""
    query = sa.select(sa.func.count()).where(_stale(), register_keys.c.kind.in_(PARTS[part]))
    return connection.scalar(query) or 0


def derive(connection: Connection, part: str, size: int) -> int:
    """Derive the next keys that are stale, with their entities; how many, 0 where none is left."""
    lock_register(connection)
    waiting = sa.select(register_keys.c.kind, register_keys.c.key).where(
        _stale(), register_keys.c.kind.in_(PARTS[part])
    )
    rows = connection.execute(waiting.order_by(*register_keys.primary_key).limit(size)).all()
    for kind in sorted({row.kind for row in rows}):
        _derive(connection, kind, [row.key for row in rows if row.kind == kind])
    return len(rows)


def _derive(connection: Connection, kind: str, keys: Sequence[str]) -> None:
    held = _articles_of(connection, kind, keys)
    known = {row.key: row for row in _rows(connection, kind, keys)}
    gone = [key for key in keys if key not in held]
    new = [key for key in held if known[key].entity is None]
    _set(connection, kind, keys, is_stale=False)
    _mark_dependent(connection, kind, [*gone, *new], gone)
    parents = {key: known[key].parent for key in keys}
    parents |= _parents(connection, kind, held)
    turned = [(key, parents[key]) for key in held if parents[key] != known[key].parent]
    _set_each(connection, kind, ("parent",), turned)
    moved = _below(connection, kind, list(held))
    entities = {row.entity for row in moved.values()} | {known[key].entity for key in gone}
    delete_rows(connection, register_keys.c.key, gone, register_keys.c.kind == kind)
    roots = _roots(connection, kind, {key: row.parent for key, row in moved.items()})
    joined = [(key, root) for key, root in roots.items() if moved[key].entity != root]
    _set_each(connection, kind, ("entity",), joined)
    entities |= set(roots.values())
    _set_figures(connection, kind, sorted(entity for entity in entities if entity is not None))


def same_key(one: sa.FromClause, other: sa.FromClause) -> sa.ColumnElement[bool]:
    """A condition: rows of the same key."""
    return (one.c.kind == other.c.kind) & (one.c.key == other.c.key)


def _stale() -> sa.ColumnElement[bool]:
    return register_keys.c.is_stale == sa.true()


def _rows(connection: Connection, kind: str, keys: Iterable[str]) -> list[Any]:
    columns = (register_keys.c.key, register_keys.c.parent, register_keys.c.entity)
    query = sa.select(*columns).where(register_keys.c.kind == kind)
    return [
        row
        for some in chunks(sorted(keys))
        for row in connection.execute(query.where(register_keys.c.key.in_(some)))
    ]


def _set(connection: Connection, kind: str, keys: Sequence[str], **values: Any) -> None:
    for some in chunks(keys):
        here = register_keys.c.kind == kind, register_keys.c.key.in_(some)
        connection.execute(register_keys.update().where(*here).values(**values))


def _set_each(
    connection: Connection, kind: str, columns: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Write values into the rows of keys.

    Args:
        rows: each a key and a value for each of the columns.
    """
    here = register_keys.c.kind == sa.bindparam("of_kind")
    here &= register_keys.c.key == sa.bindparam("of_key")
    given = [f"new_{name}" for name in columns]
    values: dict[str, Any] = {name: sa.bindparam(new) for name, new in zip(columns, given)}
    statement = register_keys.update().where(here).values(values)
    execute_many(
        connection, statement, ("of_kind", "of_key", *given), [(kind, *row) for row in rows]
    )


def _articles_of(connection: Connection, kind: str, keys: Sequence[str]) -> dict[str, int]:
    """In how many articles each key stands; without those that stand in none."""
    found: dict[str, int] = {}
    for some in chunks(keys):
        query = (
            sa.select(register_mentions.c.key, sa.func.count())
            .where(register_mentions.c.kind == kind, register_mentions.c.key.in_(some))
            .group_by(register_mentions.c.key)
        )
        found |= {key: count for key, count in connection.execute(query)}
    return found


def _mark_dependent(
    connection: Connection, kind: str, changed: Sequence[str], gone: Sequence[str]
) -> None:
    """Have those derived again that hang, or may hang, on keys that came or went."""
    forms = sa.select(register_counts.c.key).where(
        register_counts.c.kind == kind, register_counts.c.aspect == "plain"
    )
    for some in chunks(changed):
        on_plain = register_keys.c.key.in_(forms.where(register_counts.c.value.in_(some)))
        here = register_keys.update().where(register_keys.c.kind == kind, on_plain)
        connection.execute(here.values(is_stale=True))
    for some in chunks(gone):
        here = register_keys.update().where(
            register_keys.c.kind == kind, register_keys.c.parent.in_(some)
        )
        connection.execute(here.values(is_stale=True))


def _parents(connection: Connection, kind: str, held: Mapping[str, int]) -> Parents:
    """What each key is a form of, if of any."""
    plain: dict[str, str] = {}
    longer: dict[str, Counter[str]] = defaultdict(Counter)
    for some in chunks(sorted(held)):
        query = sa.select(register_counts).where(
            register_counts.c.kind == kind,
            register_counts.c.key.in_(some),
            register_counts.c.aspect.in_(("plain", "longer")),
        )
        for row in connection.execute(query):
            if row.aspect == "plain":
                plain[row.key] = row.value
            else:
                longer[row.key][row.value] = row.total
    said = standing_parents(connection, kind, sorted(held))
    candidates = {*plain.values(), *(other for other in said.values() if other)}
    there = {row.key for row in _rows(connection, kind, candidates)}
    found: Parents = {}
    for key, articles_of_key in held.items():
        if key in said and (said[key] is None or said[key] in there):
            found[key] = said[key]
        elif plain.get(key) in there:
            found[key] = plain[key]
        else:
            most = min(longer[key], key=lambda other: (-longer[key][other], other), default=None)
            whole = most is not None and longer[key][most] == articles_of_key
            found[key] = most if whole else None
    return found


def _below(connection: Connection, kind: str, keys: Sequence[str]) -> dict[str, Any]:
    """The rows of keys and of all that hang on them, directly or by others."""
    found = {row.key: row for row in _rows(connection, kind, keys)}
    frontier = sorted(found)
    columns = (register_keys.c.key, register_keys.c.parent, register_keys.c.entity)
    while frontier:
        query = sa.select(*columns).where(register_keys.c.kind == kind)
        rows = [
            row
            for some in chunks(frontier)
            for row in connection.execute(query.where(register_keys.c.parent.in_(some)))
            if row.key not in found
        ]
        found |= {row.key: row for row in rows}
        frontier = sorted({row.key for row in rows})
    return found


def _roots(connection: Connection, kind: str, parents: Parents) -> dict[str, str]:
    """Where each key's chain of parents ends; of a circle its first member by code point."""
    parents = dict(parents)
    wanted = list(parents)
    while missing := {up for up in parents.values() if up is not None and up not in parents}:
        rows = _rows(connection, kind, missing)
        parents |= dict.fromkeys(missing) | {row.key: row.parent for row in rows}
    found: dict[str, str] = {}
    for key in wanted:
        chain = [key]
        while (up := parents[chain[-1]]) is not None and up not in chain:
            chain.append(up)
        found[key] = chain[-1] if up is None else min(chain[chain.index(up) :])
    return found


def _set_figures(connection: Connection, kind: str, entities: Sequence[str]) -> None:
    """Write name, sort, counts and days of entities into the rows of their roots, and none into others."""
    keys = register_keys.alias()
    for some in chunks(entities):
        # Not by the entity of the joined key: SQLite would look at all mentions there are.
        own = sa.select(register_keys.c.key).where(
            register_keys.c.kind == kind, register_keys.c.entity.in_(some)
        )
        members = (register_mentions.c.kind == kind) & register_mentions.c.key.in_(own)
        mentioned = register_mentions.join(keys, same_key(keys, register_mentions))
        mentioned = mentioned.join(articles, articles.c.number == register_mentions.c.article)
        figures = (
            sa.select(
                keys.c.entity.label("key"),
                sa.func.count(sa.distinct(register_mentions.c.article)).label("articles"),
                sa.func.sum(register_mentions.c.mentions).label("mentions"),
                sa.func.min(articles.c.date).label("first"),
                sa.func.max(articles.c.date).label("last"),
            )
            .select_from(mentioned)
            .where(members)
            .group_by(keys.c.entity)
        )
        names = names_of(connection, kind, some)
        none = {"name": "", "sort": "", "articles": 0, "mentions": 0, "first": None, "last": None}
        _set(connection, kind, some, **none)
        columns = ("articles", "mentions", "first", "last", "name", "sort")
        rows = [
            (
                *(row.key, row.articles, int(row.mentions), row.first, row.last),
                *(names[row.key]["name"], names[row.key]["sort"]),
            )
            for row in connection.execute(figures)
        ]
        _set_each(connection, kind, columns, rows)
        others = register_keys.update().where(
            register_keys.c.kind == kind,
            register_keys.c.entity.in_(some),
            register_keys.c.key != register_keys.c.entity,
            register_keys.c.articles > 0,
        )
        connection.execute(others.values(**none))


def totals(
    connection: Connection, kind: str, entities: Iterable[str], which: sa.ColumnElement[bool]
) -> sa.CursorResult[Any]:
    """What was counted of entities, summed over their forms: rows of entity, aspect, value, total.

    Args:
        which: a condition on the counts.
    """
    query = (
        sa.select(
            register_keys.c.entity,
            register_counts.c.aspect,
            register_counts.c.value,
            sa.func.sum(register_counts.c.total).label("total"),
        )
        .join(register_keys, same_key(register_keys, register_counts))
        .where(register_keys.c.kind == kind, register_keys.c.entity.in_(entities))
        .where(which)
        .group_by(register_keys.c.entity, register_counts.c.aspect, register_counts.c.value)
    )
    return connection.execute(query)


def names_of(
    connection: Connection, kind: str, entities: Sequence[str]
) -> dict[str, dict[str, str]]:
    """The most frequent name and sort of entities; of as frequent ones the first by code point.

    Names are those of the root, so that what is merged into another has the other's name.

    Of an entity that only has short names (市委, which its article or paper completes) what they stand for
    (aspect ``whole``).
    """
    counted: dict[str, dict[str, Counter[str]]] = {
        entity: defaultdict(Counter) for entity in entities
    }
    own = register_counts.c.key == register_keys.c.entity
    which = (register_counts.c.aspect == "sort") | (
        register_counts.c.aspect.in_(("name", "whole")) & own
    )
    for row in totals(connection, kind, entities, which):
        counted[row.entity][row.aspect][row.value] = int(row.total)

    def most(counts: Counter[str]) -> str:
        return min(counts, key=lambda value: (-counts[value], value), default="")

    return {
        entity: {
            "name": most(aspects["name"] or aspects["whole"]) or entity,
            "sort": most(aspects["sort"]),
        }
        for entity, aspects in counted.items()
    }
