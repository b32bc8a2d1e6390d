"""Our tables beside a foreign article table: found, made, and brought up to date.

They have no number of a version: what the newest version has and a database has not is what is missing.
All that was ever added can be added to tables that hold rows.
"""

from collections.abc import Mapping
from typing import Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ner.errors import NerError
from ner.store.foreign.database import exists, in_transaction, reading
from ner.store.foreign.schema import ADDED, Tables, view_name, view_statement
from ner.store.urls import safe_url

State = Literal["none", "old", "current"]
_Columns = Mapping[str, set[str]]
"""The columns of each of our tables that there is, by the table's name."""


def state_of(engine: Engine, tables: Tables) -> State:
    """Whether our tables are there, and are those of this version.

    Raises:
        NerError: there are some of their names that are not ours.
    """
    if not exists(engine):
        return "none"
    found = reading(engine, lambda connection: _columns(connection, tables))
    if not found:
        return "none"
    every = tables.metadata.tables.values()
    first = {table.name for table in every if not table.info.get(ADDED)}
    for table in every:
        wanted = {column.name for column in table.c if not column.info.get(ADDED)}
        if table.name in found and not (first <= found.keys() and wanted <= found[table.name]):
            raise NerError(
                f"holds a table {table.name} that is not of ner",
                where=safe_url(engine.url),
                remedy="choose another prefix or schema under [spans]",
            )
    has_all = all(set(table.c.keys()) <= found.get(table.name, set()) for table in every)
    return "current" if has_all else "old"


def _columns(connection: Connection, tables: Tables) -> _Columns:
    inspector = sa.inspect(connection)
    schema = tables.metadata.schema
    if schema and schema not in inspector.get_schema_names():
        return {}
    wanted = {table.name for table in tables.metadata.tables.values()}
    return {
        name: {column["name"] for column in inspector.get_columns(name, schema=schema)}
        for name in wanted.intersection(inspector.get_table_names(schema=schema))
    }


def create_tables(engine: Engine, tables: Tables) -> None:
    """Make the tables and the view: all, or none.

    Raises:
        NerError: the user may not.
    """
    made: list[sa.schema.ExecutableDDLElement] = []

    def work(connection: Connection) -> None:
        made.clear()
        schema = tables.metadata.schema
        if schema and schema not in sa.inspect(connection).get_schema_names():
            connection.execute(sa.schema.CreateSchema(schema))
            made.append(sa.schema.DropSchema(schema))
        for table in tables.metadata.sorted_tables:
            _create(connection, table)
            made.append(sa.schema.DropTable(table))
        connection.exec_driver_sql(view_statement(tables, connection))

    def undo(connection: Connection) -> None:
        for statement in reversed(made):
            connection.execute(statement)

    try:
        in_transaction(engine, work)
    except BaseException:
        if engine.dialect.name in ("mysql", "mariadb"):  # there each statement is a transaction
            in_transaction(engine, undo)
        raise


def upgrade_tables(engine: Engine, tables: Tables) -> None:
    """Add to the tables of an earlier version what they have not, and make the view anew.

    All or nothing; on MySQL, where each statement is a transaction, it goes on where it was interrupted.

    Raises:
        NerError: the user may not.
    """

    def work(connection: Connection) -> None:
        found = _columns(connection, tables)
        for table in tables.metadata.sorted_tables:
            if table.name in found:
                _complete(connection, table, found[table.name])
            else:
                _create(connection, table)
        verb = "CREATE OR REPLACE"  # views of others may rest on it
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view_name(tables, connection)}")
            verb = "CREATE"
        connection.exec_driver_sql(view_statement(tables, connection, verb))

    in_transaction(engine, work)


def _create(connection: Connection, table: sa.Table) -> None:
    connection.execute(sa.schema.CreateTable(table))
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        connection.execute(sa.schema.CreateIndex(index))


def _complete(connection: Connection, table: sa.Table, has: set[str]) -> None:
    """Add the columns and indexes that a table has not."""
    name = connection.dialect.identifier_preparer.format_table(table)
    for column in table.c:
        if column.name not in has:
            definition = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
            connection.exec_driver_sql(f"ALTER TABLE {name} ADD COLUMN {definition}")
    there = sa.inspect(connection).get_indexes(table.name, schema=table.schema)
    names = {index["name"] for index in there}
    for index in sorted(table.indexes, key=lambda each: str(each.name)):
        if index.name not in names:
            connection.execute(sa.schema.CreateIndex(index))
