"""Their article table: only read, a range of keys at a time."""

import logging
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ner.errors import NerError
from ner.store.foreign.column_types import as_stored, is_text, is_undeclared
from ner.store.foreign.config import ArticlesConfig
from ner.store.foreign.database import reading
from ner.store.foreign.rows import (
    ForeignRow,
    changed_text,
    id_from_text,
    id_text,
    make_row,
    numbers,
)
from ner.store.schema import chunks
from ner.store.urls import safe_url

_LOG = logging.getLogger(__name__)

PART = 10_000  # rows of a part
LISTED = 1000  # keys per query
TEXTS = 100  # rows with their texts per query

Range = tuple[Any, Any]
"""Keys of a part: after the first (None: from the start), up to the second (None: to the end)."""


class ForeignTable:
    """Their table.

    Raises:
        NerError: it cannot be reached, or has no such table or column.
    """

    def __init__(self, engine: Engine, config: ArticlesConfig) -> None:
        self._engine = engine
        self._config = config
        schema, _, name = config.table.rpartition(".")
        self._shown = where = f"{safe_url(engine.url)} {config.table}"
        columns = reading(engine, lambda connection: _columns(connection, name, schema, where))
        if missing := [name for name in config.columns if name not in columns]:
            raise NerError(
                f"has no column {', '.join(missing)}",
                where=where,
                remedy=f"correct [articles]; it has {', '.join(columns)}",
            )
        for text in filter(None, (config.title, config.body)):
            if not is_text(columns[text]):
                raise NerError(
                    f"column {text} is of type {columns[text]}, which is no text",
                    where=where,
                    remedy="make a view that has the text in a column, and name that as table",
                )
        self.id_type = columns[config.id]
        self._table = sa.table(
            name,
            *(sa.column(each, columns[each]) for each in config.columns),
            schema=schema or None,
        )
        self._key = self._table.c[config.key or config.id]
        self._id = self._table.c[config.id]
        changed = self._table.c[config.changed] if config.changed else sa.null()
        named = {"id": self._id, "key": self._key, "changed": changed}
        self._listed = [column.label(name) for name, column in named.items()]
        # A colon is not a parameter here, as it would be in SQLAlchemy's own text.
        condition = config.where.replace(":", "\\:")
        self._where = sa.text(f"({condition}\n)") if condition.strip() else sa.true()
        self._has_none = sa.or_(self._id.is_(None), self._key.is_(None))
        if condition.strip():
            self._check_condition(condition)

    @property
    def key_type(self) -> type:
        """Of their ids in Python."""
        try:
            return self.id_type.python_type  # type: ignore[no-any-return]
        except NotImplementedError:
            return str

    def count(self) -> int:
        """How many rows there are to read."""
        return self._count(~self._has_none)

    def ranges(self, size: int) -> Iterator[Range]:
        """Ranges of so many rows, in the order of the key; rows without an id are told of."""
        if without := self._count(self._has_none):
            _LOG.warning(
                "%s: rows whose %s is NULL are passed over: %s",
                self._shown, " or ".join(dict.fromkeys((self._id.name, self._key.name))), without,
            )  # fmt: skip
        after = None
        while True:
            query = self._after(sa.select(self._key), (after, None)).offset(size - 1).limit(1)
            last = self._scalar(query)
            yield after, last
            if last is None:
                return
            after = last

    def listed(self, part: Range) -> Iterator[list[tuple[Any, str | None]]]:
        """Ids of a part, each with its `changed` (None where no column is named so), in lists."""
        query = self._after(sa.select(*self._listed), part).order_by(self._id).limit(LISTED)
        rows = self._all(query)
        while rows:
            yield [
                (row.id, None if row.changed is None else changed_text(row.changed)) for row in rows
            ]
            beyond = self._key > rows[-1].key
            if self._key is not self._id:  # several rows may have the same
                same_or_beyond = self._key >= rows[-1].key
                beyond = sa.and_(same_or_beyond, sa.or_(beyond, self._id > rows[-1].id))
            rows = self._all(query.where(beyond))

    def rows(self, ids: Sequence[Any]) -> Iterator[ForeignRow]:
        """The rows with these ids, whether the condition takes them or not; of those that there are."""
        for some in chunks(ids, TEXTS):
            query = sa.select(self._table).where(self._id.in_(some)).order_by(self._key)
            found = self._all(query)
            self._check_unique([row._mapping[self._config.id] for row in found])
            yield from (make_row(self._config, dict(row._mapping)) for row in found)

    def by_id_text(self, ids: Sequence[str]) -> dict[str, ForeignRow]:
        """The rows with these ids, by id as text.

        Raises:
            NerError: there can be no such id.
        """
        keys = [id_from_text(each, self.key_type) for each in ids]
        if is_undeclared(self.id_type):  # where SQLite tells the number 7 from the text
            keys += numbers(ids)
        if self._engine.dialect.name == "sqlite":  # whose whole numbers have 64 bits
            keys = [key for key in keys if not isinstance(key, int) or -(2**63) <= key < 2**63]
        return {row.id: row for row in self.rows(keys)}

    def check_ids(self) -> None:
        """Look through the whole table for rows that share an id.

        Raises:
            NerError: there are some.
        """
        shared = sa.select(self._id).where(self._where, ~self._has_none).group_by(self._id)
        for row in self._all(shared.having(sa.func.count() > 1).limit(1)):
            raise self._not_unique(row[0])

    def _check_unique(self, ids: Sequence[Any]) -> None:
        """Refuse rows that share an id, whose spans nobody could tell apart.

        Raises:
            NerError: there are some.
        """
        for each, many in Counter(ids).items():
            if many > 1:
                raise self._not_unique(each)

    def _not_unique(self, key: Any) -> NerError:
        return NerError(
            f"[articles] id: {self._config.id} is not unique: {id_text(key)!r} is there twice",
            where=self._shown,
            remedy="name a column, or make a view with one, that is",
        )

    def _check_condition(self, condition: str) -> None:
        """Have the database look at the condition, once, while it is known what asks.

        Raises:
            NerError: it is not one.
        """
        # Also without brackets around it: with them "true) OR (true" would be one.
        try:
            for each in (self._where, sa.text(f"{condition}\n")):
                self._all(sa.select(self._key).select_from(self._table).where(each).limit(0))
        except NerError as error:
            error.message = f"[articles] where: {error.message}"
            error.remedy = error.remedy or "correct the condition"
            raise

    def _count(self, condition: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(self._table)
        return int(self._scalar(query.where(self._where, condition)) or 0)

    def _scalar(self, query: sa.Select[Any]) -> Any:
        return reading(self._engine, lambda connection: connection.scalar(query))

    def _all(self, query: sa.Select[Any]) -> Sequence[sa.Row[Any]]:
        return reading(self._engine, lambda connection: connection.execute(query).all())

    def _after(self, query: sa.Select[Any], part: Range) -> sa.Select[Any]:
        after, last = part
        query = query.where(self._where, ~self._has_none).order_by(self._key)
        if after is not None:
            query = query.where(self._key > after)
        return query if last is None else query.where(self._key <= last)


def _columns(connection: Connection, name: str, schema: str, where: str) -> Mapping[str, Any]:
    """The columns of a table or view with their types.

    Raises:
        NerError: there is none of that name.
    """
    inspector = sa.inspect(connection)
    columns: Mapping[str, Any] = {}
    with suppress(sa.exc.NoSuchTableError), warnings.catch_warnings():
        warnings.simplefilter("ignore", sa.exc.SAWarning)  # a type that it does not know
        columns = {
            column["name"]: as_stored(column["type"], connection.dialect)
            for column in inspector.get_columns(name, schema=schema or None)
        }
    if not columns:
        raise NerError("no such table", where=where, remedy="correct table under [articles]")
    if connection.dialect.name in ("mysql", "mariadb"):
        _set_collations(connection, name, schema, columns)
    return columns


def _set_collations(
    connection: Connection, name: str, schema: str, columns: Mapping[str, Any]
) -> None:
    """Give texts the collation of their column: MySQL joins no columns of two."""
    query = sa.text(
        "SELECT column_name, collation_name FROM information_schema.columns"
        " WHERE table_name = :name AND table_schema = coalesce(:schema, database())"
    )
    for column, collation in connection.execute(query, {"name": name, "schema": schema or None}):
        if collation and hasattr(columns[column], "collation"):
            columns[column].collation = collation
