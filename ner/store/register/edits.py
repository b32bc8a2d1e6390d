"""What people say of the register: that two entries are one, that one is two, that one is a brand or none.

Rows are only added; one that takes another back names it in `undoes`. The last that stands on a key counts.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store.decisions import Said, insert_row, known_decision
from ner.store.register.update import lock_register
from ner.store.schema import (
    LAST,
    chunks,
    register_changes,
    register_edits,
    register_keys,
    register_mentions,
    span_decisions,
    texts,
)
from ner.store.verdicts import RIGHT, UNDONE, counts, stands

MERGE, SPLIT, DIVIDE, CONFIRM, REJECT = "merge", "split", "divide", "confirm", "reject"


@dataclass(frozen=True, slots=True)
class Edit:
    """What somebody said of an entry of the register.

    Args:
        verdict: ``merge`` (is a form of `other`), ``split`` (is one of its own), ``divide`` (is another
            where `other`, a place's code or a body's key, is near), ``confirm``, ``reject``, or ``undone``.
        stands: False where it was taken back, or takes one back.
    """

    number: int
    kind: str
    key: str
    verdict: str
    other: str | None
    reviewer: str
    source: str
    at: datetime.datetime
    stands: bool


def merge(connection: Connection, kind: str, key: str, into: str, said: Said) -> int:
    """Make the entity of a key part of another's; the number of the edit.

    Raises:
        NerError: one of the two is not in the register, or they are one already.
    """
    lock_register(connection)
    root, target = (_entity(connection, kind, each) for each in (key, into))
    if root == target:
        raise NerError(f"{key} and {into} are one entry already", remedy="ner brands show lists it")
    return _add(connection, kind, root, MERGE, target, said)


def split(connection: Connection, kind: str, key: str, said: Said) -> int:
    """Make a key, with what hangs on it, an entity of its own; the number of the edit.

    Raises:
        NerError: it is not in the register, or is one already.
    """
    lock_register(connection)
    if _entity(connection, kind, key) == key:
        raise NerError(
            f"{key} is an entry of its own already", remedy="name one of its other forms"
        )
    return _add(connection, kind, key, SPLIT, None, said)


def divide(connection: Connection, key: str, by: str, said: Said) -> int:
    """Split a brand off that has the same key as another, by its place or owner; the number of the edit.

    In articles that are about the place, or name the owner, it has keys of its own: ``一表通|33``. These
    articles, old ones and new ones, are counted so by the next update.

    Args:
        by: the code of a division, or the key of an organisation.

    Raises:
        NerError: there is no such brand, or it was split off so already.
    """
    lock_register(connection)
    _entity(connection, "brand", key)
    if "|" in key:
        raise NerError(
            f"{key} was split off already", remedy=f"split {key.partition('|')[0]} again"
        )
    if by in standing_divisions(connection).get(key, ()):
        raise NerError(f"{key}|{by} was split off already", remedy="ner brands undo takes it back")
    number = _add(connection, "brand", key, DIVIDE, by, said)
    _count_again(connection, key)
    return number


def judge(connection: Connection, kind: str, key: str, verdict: str, said: Said) -> int:
    """Say that an entity is what it is listed as (``confirm``), or is not (``reject``)."""
    lock_register(connection)
    if verdict not in (CONFIRM, REJECT):
        raise ValueError(f"{verdict!r} is not {CONFIRM} or {REJECT}")
    return _add(connection, kind, _entity(connection, kind, key), verdict, None, said)


def undo_edit(connection: Connection, number: int, said: Said) -> bool:
    """Take an edit back; False where there is none of that number, or it was taken back before."""
    lock_register(connection)
    query = sa.select(register_edits).where(register_edits.c.number == number)
    row = connection.execute(query.where(stands(register_edits))).first()
    if row is None:
        return False
    kept = {"kind": row.kind, "key": row.key, "other": row.other, "verdict": UNDONE}
    insert_row(connection, register_edits, {**kept, **said.row(), "undoes": number})
    _mark_stale(connection, row.kind, row.key)
    if row.verdict == DIVIDE:
        _count_again(connection, row.key)
    return True


def list_edits(connection: Connection, kind: str, keys: Sequence[str] | None = None) -> list[Edit]:
    """What was said, oldest first: of all entries of a kind, or about these keys."""
    query = sa.select(register_edits, stands(register_edits).label("stands"))
    query = query.where(register_edits.c.kind == kind).order_by(register_edits.c.number)
    if keys is not None:
        query = query.where(register_edits.c.key.in_(keys) | register_edits.c.other.in_(keys))
    names = Edit.__dataclass_fields__
    return [
        Edit(**{name: getattr(row, name) for name in names if name != "stands"}, stands=row.stands)
        for row in connection.execute(query)
    ]


def standing_parents(
    connection: Connection, kind: str, keys: Sequence[str]
) -> dict[str, str | None]:
    """What people said of keys last: a form of another, or (None) an entity of its own."""
    return _last(connection, kind, keys, (MERGE, SPLIT))


def standing_divisions(connection: Connection) -> dict[str, list[str]]:
    """Keys of brands that several have, with the places and owners by which people split some off."""
    query = sa.select(register_edits.c.key, register_edits.c.other).where(
        register_edits.c.kind == "brand",
        register_edits.c.verdict == DIVIDE,
        stands(register_edits),
    )
    found: dict[str, list[str]] = {}
    for key, by in connection.execute(query.order_by(register_edits.c.number)):
        found.setdefault(key, []).append(by)
    return found


def standing_verdicts(connection: Connection, kind: str) -> dict[str, str]:
    """Keys that were confirmed or rejected, with the last of these."""
    query = sa.select(register_edits.c.key, register_edits.c.verdict).where(
        register_edits.c.kind == kind,
        register_edits.c.verdict.in_((CONFIRM, REJECT)),
        stands(register_edits),
    )
    return {
        row.key: row.verdict for row in connection.execute(query.order_by(register_edits.c.number))
    }


def right_names(connection: Connection, label: str) -> list[str]:
    """The strings of spans with a label whose last verdict is right, sorted."""
    later = span_decisions.alias()
    same = (
        later.c[name] == span_decisions.c[name] for name in ("article", "start", "end", "label")
    )
    undoing = span_decisions.alias()
    taken = sa.exists().where(undoing.c.undoes == later.c.number)
    overruled = sa.exists().where(
        *same,
        later.c.number > span_decisions.c.number,
        later.c.undoes.is_(None),
        later.c.queue.is_(None),
        ~taken,
    )
    length = span_decisions.c.end - span_decisions.c.start
    surface = sa.func.substr(texts.c.text, span_decisions.c.start + 1, length)
    query = (
        sa.select(surface)
        .distinct()
        .join(texts, texts.c.article == span_decisions.c.article)
        .where(span_decisions.c.label == label, span_decisions.c.verdict == RIGHT)
        .where(counts(span_decisions), ~overruled)
    )
    return sorted(connection.scalars(query))


def _last(
    connection: Connection, kind: str, keys: Sequence[str], verdicts: Sequence[str]
) -> dict[str, str | None]:
    found: dict[str, str | None] = {}
    for some in chunks(keys):
        query = sa.select(register_edits.c.key, register_edits.c.other).where(
            register_edits.c.kind == kind,
            register_edits.c.key.in_(some),
            register_edits.c.verdict.in_(verdicts),
            stands(register_edits),
        )
        rows = connection.execute(query.order_by(register_edits.c.number))
        found |= {row.key: row.other for row in rows}
    return found


def _entity(connection: Connection, kind: str, key: str) -> str:
    query = sa.select(register_keys.c.entity).where(
        register_keys.c.kind == kind, register_keys.c.key == key
    )
    entity = connection.scalar(query)
    if entity is None:
        raise NerError(f"{key} is not in the register", remedy="ner brands lists it")
    return str(entity)


def _add(
    connection: Connection, kind: str, key: str, verdict: str, other: str | None, said: Said
) -> int:
    values = {"kind": kind, "key": key, "verdict": verdict, "other": other, **said.row()}
    if known := known_decision(connection, register_edits, said):
        return known
    number = insert_row(connection, register_edits, values)
    _mark_stale(connection, kind, key)
    return number


def _mark_stale(connection: Connection, kind: str, key: str) -> None:
    here = register_keys.c.kind == kind, register_keys.c.key == key
    connection.execute(register_keys.update().where(*here).values(is_stale=True))


def _count_again(connection: Connection, key: str) -> None:
    """Have the articles counted again in which a brand stands, also with a noun behind (渝快办平台)."""
    query = (
        sa.select(sa.literal("names"), register_mentions.c.article)
        .where(register_mentions.c.kind == "brand")
        .where(register_mentions.c.key >= key, register_mentions.c.key < key + LAST)
        .distinct()
    )
    connection.execute(register_changes.insert().from_select(["part", "article"], query))
