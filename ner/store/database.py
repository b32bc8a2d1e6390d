"""The database: opening it, transactions, its errors in our words, and the version of its tables."""

import logging
import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from ner.errors import NerError, missing_extra
from ner.store.schema import metadata
from ner.store.urls import parse_url, safe_url, secrets

HEAD = "0003"  # the newest migration in ner/store/migrations/versions
STORE_LOCK = 0x6E6572  # "ner": the number of PostgreSQL's advisory lock
MAX_TRIES = 8  # of a transaction that collides with another

Result = TypeVar("Result")


def open_engine(url: str, *, create: bool) -> Engine:
    """The engine of a store; nothing is read or made yet.

    Args:
        url: ``sqlite:///articles.db`` or ``postgresql://user@host/name``.
        create: the database may be without tables, an SQLite file may be missing.

    Raises:
        NerError: it is not a store's URL, or there is no such file.
    """
    parsed = parse_url(url)
    is_sqlite = parsed.get_backend_name() == "sqlite"
    if is_sqlite:
        _check_file(parsed, create=create)
    wait = {} if is_sqlite or "connect_timeout" in parsed.query else {"connect_timeout": 10}
    with translate_errors(parsed):
        engine = sa.create_engine(parsed, connect_args=wait)
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


_LOG = logging.getLogger(__name__)


def in_transaction(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """Run `work` in a transaction that writes: all of it is kept, or nothing.

    Where it collides with another transaction (a deadlock, the same row inserted twice), it is run again,
    so `work` must not consume anything.
    """
    with translate_errors(engine.url):
        for attempt in range(1, MAX_TRIES + 1):
            try:
                with engine.execution_options(writing=True).begin() as connection:
                    return work(connection)
            except sa.exc.DBAPIError as error:
                if attempt == MAX_TRIES or not _is_collision(error):
                    raise
                _LOG.info("a transaction collided with another; attempt %d", attempt + 1)
                time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("not reached")


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A connection that only reads."""
    with translate_errors(engine.url), engine.connect() as connection:
        yield connection


@contextmanager
def translate_errors(url: URL) -> Iterator[None]:
    """Raise the database's errors as `NerError`, with a remedy and without a password."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing_extra(error.name, "postgres", where=safe_url(url)) from None
    except sa.exc.DBAPIError as error:
        reason = (str(error.orig).strip().splitlines() or ["failed"])[0]
        remedy = next((r for sign, r in _REMEDIES.items() if sign in reason), "")
        if any(secret in reason for secret in secrets(url)):
            reason = "cannot be opened"
        raise NerError(reason, where=safe_url(url), remedy=remedy) from None
    except UnicodeError:
        raise NerError(
            "half of a surrogate pair is not text",
            where=safe_url(url),
            remedy="mend how the text was made",
        ) from None


def prepare_tables(engine: Engine, *, create: bool) -> bool:
    """Bring the tables of a store to `HEAD`.

    Returns:
        False where there are none yet, which only `create` allows: `migrate` makes them.

    Raises:
        NerError: the database cannot be reached, holds no articles, belongs to another program, or is from
            a newer version.
    """
    version = None
    if engine.dialect.name != "sqlite" or _has_file(engine.url):
        with reading(engine) as connection:
            version = _version(connection)
    if version is None:
        if not create:
            raise NerError(
                "holds no articles", where=safe_url(engine.url), remedy="fill it first: ner ingest"
            )
        return False
    if version != HEAD:
        in_transaction(engine, migrate)
    return True


def lock_store(connection: Connection) -> None:
    """Let one process at a time make tables or add articles; until the transaction ends.

    Two that add the same articles in opposite orders would wait for each other. SQLite has one writer
    anyway.
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
    """The version of our tables, None if there are none.

    Raises:
        NerError: the tables are another program's, or of a newer version of ner.
    """
    inspector = sa.inspect(connection)
    tables = set(inspector.get_table_names())
    ours = set(metadata.tables)
    found: list[Any] = []
    if "alembic_version" in tables:
        columns = {column["name"] for column in inspector.get_columns("alembic_version")}
        if "version_num" in columns:
            found = list(connection.scalars(sa.text("SELECT version_num FROM alembic_version")))
    elif not tables & ours:
        return None
    where = safe_url(connection.engine.url)
    # Other programs number their migrations too, so a number is ours only beside all our tables.
    if len(found) != 1 or not ours <= tables or not re.fullmatch(r"\d{4}", str(found[0])):
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


_REMEDIES = {
    "readonly database": "it can only be read: check the permissions of the file and its folder",
    "unable to open database file": "check that its folder exists and can be written to",
    "file is not a database": "name a store that ner made, or a file that does not exist yet",
    "database is locked": "another program is writing to it; try again when that is done",
    "disk is full": "free some space on the disk; what is stored so far is safe",
    "onnection refused": "is PostgreSQL running, and are host and port right?",
    'role "': "check the user in the URL",
    "does not exist": "create the database first: createdb NAME",
    "authentication failed": "check user and password in the URL",
    "permission denied": "give the database's user the right to write",
}
_COLLISIONS = ("40001", "40P01", "23505", "23503")
"""PostgreSQL's codes for: not serialisable, deadlock, a unique row inserted by another, a row it
refers to deleted by another."""


def _is_collision(error: sa.exc.DBAPIError) -> bool:
    return getattr(error.orig, "sqlstate", "") in _COLLISIONS


def _is_plain_file(url: URL) -> bool:
    return not (url.database or ":memory:").startswith(("file:", ":memory:"))


def _has_file(url: URL) -> bool:
    return not _is_plain_file(url) or Path(url.database or "").exists()


def _check_file(url: URL, *, create: bool) -> None:
    if not _is_plain_file(url):
        return
    path = Path(url.database or "")
    where = safe_url(url)
    try:
        if path.is_file() or (create and not path.exists() and path.parent.is_dir()):
            return
        exists = path.exists()
    except (OSError, ValueError):  # ValueError: a NUL in the name
        exists = False
    if create and not exists:
        raise NerError(
            "unable to open database file",
            where=where,
            remedy=_REMEDIES["unable to open database file"],
        )
    raise NerError(
        "is not a file" if exists else "no such store",
        where=where,
        remedy="make it with ner ingest, or check --store and NER_STORE",
    )


def _prepare_sqlite(connection: Any, _: object) -> None:
    # The driver must not begin or commit by itself: it would commit half a migration.
    connection.isolation_level = None
    # A value that is not UTF-8 must cost its own row, not all that are read with it.
    connection.text_factory = lambda value: value.decode("utf-8", "surrogateescape")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA busy_timeout = 10000")  # milliseconds a writer waits for another


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once; one that read first could not get it while another waits.
    writing = connection.get_execution_options().get("writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
