"""Opening the database: where it is, what its errors mean, which schema it has."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine, make_url

from ner.errors import NerError, missing_extra
from ner.store.schema import metadata

HEAD = "0002"  # the newest migration in ner/migrations/versions


def connect(url: str, *, create: bool) -> Engine:
    """Open a database and bring its tables to `HEAD`.

    Args:
        url: ``sqlite:///articles.db`` or ``postgresql://user@host/name``.
        create: make the tables where there are none.

    Raises:
        NerError: it cannot be reached, is not there, is not ours, or is from a newer version.
    """
    parsed = _parse_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite and not create:
        _check_sqlite_file(parsed)
    with speaking(parsed):
        engine = sa.create_engine(parsed)
        if is_sqlite:
            sa.event.listen(engine, "connect", _prepare_sqlite)
            sa.event.listen(engine, "begin", _begin_sqlite)
        try:
            _migrate(engine, create=create)
        except BaseException:
            engine.dispose()
            raise
    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A connection in a transaction that writes: all of it is kept, or nothing."""
    with (
        speaking(engine.url),
        engine.execution_options(writing=True).begin() as connection,
    ):
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads."""
    with speaking(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def speaking(url: URL) -> Iterator[None]:
    """Turn the database's errors into ours, with a remedy."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing_extra(error.name, "postgres", where=place(url)) from None
    except sa.exc.DBAPIError as error:
        reason = str(error.orig).strip().splitlines()[0]
        remedy = next((r for sign, r in _REMEDIES.items() if sign in reason), "")
        raise NerError(reason, where=place(url), remedy=remedy) from None


def place(url: URL) -> str:
    """The URL for messages, its password hidden."""
    return url.render_as_string(hide_password=True)


def _migrate(engine: Engine, *, create: bool) -> None:
    """Bring the tables to `HEAD`. Alembic is only imported where there is something to do."""
    with engine.connect() as connection:
        tables = set(sa.inspect(connection).get_table_names())
        version = (
            connection.scalar(sa.text("SELECT version_num FROM alembic_version"))
            if "alembic_version" in tables
            else None
        )
    where = place(engine.url)
    if version == HEAD:
        return
    if version is None and not create:
        raise NerError("holds no articles", where=where, remedy="fill it first: ner ingest")
    if version is None and tables & set(metadata.tables):
        raise NerError(
            "has tables of the same names that are not ours",
            where=where,
            remedy="use a database of its own",
        )
    if version and version > HEAD:
        raise NerError(
            f"was made by a newer version of ner (schema {version}, known here {HEAD})",
            where=where,
            remedy="upgrade ner",
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with writing(engine) as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


_REMEDIES = {
    "readonly database": "it can only be read: check the rights of the file and its folder",
    "unable to open database file": "check that its folder is there and may be written",
    "file is not a database": "name a store that ner made, or a file that is not there yet",
    "database is locked": "another program is writing to it; try again when that is done",
    "disk is full": "make room on the disk; what is stored so far is safe",
    "onnection refused": "is PostgreSQL running, and are host and port right?",
    "does not exist": "create the database first: createdb NAME",
    "authentication failed": "check user and password in the URL",
}


def _parse_url(url: str) -> URL:
    try:
        parsed = make_url(url)
        backend = parsed.get_backend_name()
    except sa.exc.ArgumentError:
        backend = ""
    if backend == "postgresql" and parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg")
    if backend not in ("sqlite", "postgresql"):
        raise NerError(
            f"{url!r} is not a store",
            remedy="write sqlite:///articles.db or postgresql://user@host/name",
        )
    return parsed


def _check_sqlite_file(url: URL) -> None:
    name = url.database or ""
    if name.startswith("file:") or name in ("", ":memory:"):
        return
    path = Path(name)
    if not path.is_file():
        raise NerError(
            "is not a file" if path.exists() else "no such store",
            where=str(path),
            remedy="make it with ner ingest, or check --store and NER_STORE",
        )


def _prepare_sqlite(connection: Any, _: object) -> None:
    # Foreign keys are off in SQLite unless asked for; the wait lets two writers take turns. And the
    # driver must not begin or commit by itself: it would commit half a migration.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 10000")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once; one that read first could not get it while another waits.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
