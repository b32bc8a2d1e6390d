"""Our tables beside a foreign article table: found, made, and brought up to date.

They have no number of a version: what the newest version has and a database has not is what is missing.
All that was ever added can be added to tables that hold rows.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ner.errors import NerError
from ner.store.foreign.database import exists, in_transaction, reading
from ner.store.foreign.schema import ADDED, Tables, view_name, view_statement
from ner.store.urls import safe_url

if TYPE_CHECKING:
    from alembic.operations import BatchOperations

State = Literal["none", "old", "current"]
Undoing = Sequence[sa.Executable]
"""What takes away again what was made, the last first."""
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
    is_current = has_all and reading(engine, lambda connection: _has_view(connection, tables))
    return "current" if is_current else "old"


def _has_view(connection: Connection, tables: Tables) -> bool:
    """Whether there is the view, and has what people called right, as earlier ones had not."""
    try:
        inspector = sa.inspect(connection)
        definition = inspector.get_view_definition(tables.view, schema=tables.metadata.schema)
    except sa.exc.NoSuchTableError:
        return False
    return "union all" in definition.lower()


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


def create_tables(engine: Engine, tables: Tables) -> Undoing:
    """Make the tables and the view: all, or none.

    Returns:
        What takes them away again.

    Raises:
        NerError: the user may not.
    """
    made: list[sa.Executable] = []

    def work(connection: Connection) -> None:
        made.clear()
        schema = tables.metadata.schema
        if schema and schema not in sa.inspect(connection).get_schema_names():
            connection.execute(sa.schema.CreateSchema(schema))
            made.append(sa.schema.DropSchema(schema))
        for table in tables.metadata.sorted_tables:
            connection.execute(sa.schema.CreateTable(table))
            made.append(sa.schema.DropTable(table))
            _index(connection, table)
        connection.exec_driver_sql(view_statement(tables, connection))
        made.append(sa.text(f"DROP VIEW {view_name(tables, connection)}"))

    try:
        in_transaction(engine, work)
    except BaseException:
        if engine.dialect.name in ("mysql", "mariadb"):  # there each statement is a transaction
            drop_tables(engine, made)
        raise
    return made


def drop_tables(engine: Engine, made: Undoing) -> None:
    """Take away what was made."""

    def work(connection: Connection) -> None:
        for statement in reversed(made):
            connection.execute(statement)

    in_transaction(engine, work)


def upgrade_tables(engine: Engine, tables: Tables) -> None:
    """Add to the tables of an earlier version what they have not, and make the view anew.

    All or nothing; on MySQL, where each statement is a transaction, it goes on where it was interrupted.

    Raises:
        NerError: the user may not.
    """

    def work(connection: Connection) -> None:
        found = _columns(connection, tables)
        verb = "CREATE OR REPLACE"  # views of others may rest on it
        if connection.dialect.name == "sqlite":
            connection.exec_driver_sql(f"DROP VIEW IF EXISTS {view_name(tables, connection)}")
            verb = "CREATE"
        for table in tables.metadata.sorted_tables:
            if table.name in found:
                _complete(connection, table, found[table.name])
                _add_checks(connection, table)
            else:
                connection.execute(sa.schema.CreateTable(table))
                _index(connection, table)
        connection.exec_driver_sql(view_statement(tables, connection, verb))

    in_transaction(engine, work)


def _index(connection: Connection, table: sa.Table) -> None:
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


def _add_checks(connection: Connection, table: sa.Table) -> None:
    """Add the conditions on rows that a table has not.

    Raises:
        NerError: it holds rows that do not meet them.
    """
    there = sa.inspect(connection).get_check_constraints(table.name, schema=table.schema)
    names = {check["name"] for check in there}
    checks = {
        str(each.name): str(each.sqltext)
        for each in table.constraints
        if isinstance(each, sa.CheckConstraint) and each.name not in names
    }
    if not checks:
        return
    name = connection.dialect.identifier_preparer.format_table(table)
    fails = f"NOT ({' AND '.join(checks.values())})"
    bad = sa.select(sa.func.count()).select_from(table).where(sa.text(fails))
    if many := connection.scalar(bad):
        raise NerError(
            f"{name} has rows that say nothing, since their field or verdict is none: {many:,}",
            where=safe_url(connection.engine.url),
            remedy=f"DELETE FROM {name} WHERE {fails}",
        )
    with _changing(connection, table) as batch:
        for check, condition in checks.items():
            batch.create_check_constraint(check, condition)


@contextmanager
def _changing(connection: Connection, table: sa.Table) -> Iterator["BatchOperations"]:
    """Change a table that may hold rows: on SQLite, which cannot, it is copied into one that is as wanted."""
    from alembic.migration import MigrationContext
    from alembic.operations import Operations

    operations = Operations(MigrationContext.configure(connection))
    triggers: Sequence[str] = ()
    is_sqlite = connection.dialect.name == "sqlite"
    if is_sqlite:  # what others have put upon it stays
        query = sa.text("SELECT sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = :name")
        triggers = connection.scalars(query, {"name": table.name}).all()
        connection.exec_driver_sql("PRAGMA legacy_alter_table = ON")
    with operations.batch_alter_table(table.name, schema=table.schema) as batch:
        yield batch
    if is_sqlite:
        connection.exec_driver_sql("PRAGMA legacy_alter_table = OFF")
    for trigger in triggers:
        connection.exec_driver_sql(trigger)
