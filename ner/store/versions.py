"""The version of a store's tables: made with the first article, brought up to date by `upgrade` only."""

import re
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ner.errors import NerError
from ner.files import replacing
from ner.store.database import (
    database_file,
    in_transaction,
    open_engine,
    translate_errors,
    use_write_ahead_log,
)
from ner.store.schema import now
from ner.store.urls import safe_url

HEAD = "0010"  # the newest migration in ner/store/migrations/versions
STORE_LOCK = 0x6E6572  # "ner": the number of PostgreSQL's advisory lock
_ALWAYS = {"articles", "models", "runs", "tagged", "spans", "failures"}  # tables of every version


@dataclass(frozen=True, slots=True)
class Upgraded:
    """What `upgrade` did.

    Args:
        before: the version that the tables had.
        after: the version that they have now.
        backup: the copy made before, for SQLite; None where there was nothing to do.
    """

    before: str
    after: str
    backup: Path | None = None


def has_tables(engine: Engine, *, create: bool) -> bool:
    """Look whether a database holds the tables of a store; changes nothing.

    Returns:
        False where there are none yet, which only `create` allows: `migrate` makes them.

    Raises:
        NerError: the database cannot be reached, holds no articles, belongs to another program, or is from
            an earlier or a newer version.
    """
    version = find_version(engine)
    if version is None and not create:
        raise _no_articles(engine)
    if version is not None and version != HEAD:
        raise NerError(
            f"was made by an earlier version of ner (schema {version}, now {HEAD})",
            where=safe_url(engine.url),
            remedy="ner store upgrade --store URL",
        )
    return version is not None


def find_version(engine: Engine) -> str | None:
    """The version of the tables of a store, None if there are none.

    Raises:
        NerError: the database cannot be reached, the tables are another program's, or of a newer version.
    """
    file = database_file(engine.url)
    if file and not file.exists():
        return None
    with translate_errors(engine.url), engine.connect() as connection:
        return _version(connection)


def _no_articles(engine: Engine) -> NerError:
    where = safe_url(engine.url)
    return NerError("holds no articles", where=where, remedy="fill it first: ner ingest")


def upgrade(url: str) -> Upgraded:
    """Bring the tables of a store to the newest version, all in one transaction.

    An SQLite file is copied first, to ``NAME.SCHEMA-TIME.backup`` beside it. Of a database on a server the
    administrator makes the copy.

    Raises:
        NerError: it cannot be opened, holds no store, or the disk has no room for the copy.
    """
    engine = open_engine(url, create=False)
    try:
        before = find_version(engine)
        if before is None:
            raise _no_articles(engine)
        if before == HEAD:
            return Upgraded(before, HEAD)
        backup = _back_up(engine, before)
        use_write_ahead_log(engine)
        in_transaction(engine.execution_options(rebuilding=True), migrate)
    finally:
        engine.dispose()
    return Upgraded(before, HEAD, backup)


def _back_up(engine: Engine, version: str) -> Path | None:
    """Copy an SQLite file; its path, or None for a server's database."""
    file = database_file(engine.url)
    if file is None:
        return None
    size, free = file.stat().st_size, shutil.disk_usage(file.parent).free
    if free < 3 * size:  # the copy, and up to twice the size while tables are rebuilt
        raise NerError(
            f"{free / 1e9:.1f} GB are free, and its copy and the upgrade may take {3 * size / 1e9:.1f}",
            where=safe_url(engine.url),
            remedy="free some space on the disk",
        )
    copy = file.with_name(f"{file.name}.{version}-{now():%Y%m%dT%H%M%S}.backup")
    with translate_errors(engine.url), replacing(copy) as part, engine.connect() as connection:
        part.unlink(missing_ok=True)
        connection.exec_driver_sql("COMMIT")  # VACUUM is no part of a transaction
        connection.exec_driver_sql("VACUUM INTO ?", (str(part),))
        connection.exec_driver_sql("BEGIN")
    return copy


def lock_store(connection: Connection) -> None:
    """Let one process at a time make tables or add articles; until the transaction ends.

    Two that add the same articles in opposite orders would wait for each other; and articles become
    visible in the order of their numbers, which `ner.store.claims` needs. SQLite has one writer anyway.
    """
    if connection.dialect.name == "postgresql":
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(STORE_LOCK)))


def migrate(connection: Connection) -> None:
    """Make the tables or bring them to `HEAD`, one process at a time; part of the open transaction."""
    lock_store(connection)
    if _version(connection) == HEAD:  # another process was faster
        return
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _version(connection: Connection) -> str | None:
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names())
    found: list[Any] = []
    if "alembic_version" in tables:
        columns = {column["name"] for column in inspector.get_columns("alembic_version")}
        if "version_num" in columns:
            found = list(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))
    elif not tables & _ALWAYS:
        return None
    where = safe_url(connection.engine.url)
    # Other programs number their migrations too, so a number is ours only beside all our tables.
    if len(found) != 1 or not tables >= _ALWAYS or not re.fullmatch(r"\d{4}", str(found[0])):
        raise NerError(
            "holds tables of another program",
            where=where,
            remedy="use a database that only ner writes to, for example a new one",
        )
    version = str(found[0])
    if version > HEAD:
        raise NerError(
            f"was made by a newer version of ner (schema {version}, known here {HEAD})",
            where=where,
            remedy="upgrade ner",
        )
    return version
