"""The database: opening it, transactions that are tried again, and its errors in our words."""

import contextlib
import logging
import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from ner.errors import NerError, missing_extra
from ner.store.urls import parse_url, safe_url, secrets

MAX_TRIES = 12  # of a transaction that meets another, or loses its connection
MAX_PAUSE = 10.0  # seconds between two tries; all pauses together are about half a minute
BUSY_TIMEOUT = 5000  # milliseconds that SQLite waits for another writer, in each try

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
        engine = sa.create_engine(parsed, connect_args=wait, pool_pre_ping=not is_sqlite)
    if is_sqlite:
        sa.event.listen(engine, "connect", _prepare_sqlite)
        sa.event.listen(engine, "begin", _begin_sqlite)
    return engine


_LOG = logging.getLogger(__name__)


def in_transaction(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """Run `work` in a transaction that writes: all of it is kept, or nothing.

    Where it meets another transaction (a deadlock, a locked file, the same row inserted twice) or the
    connection is lost, it is run again, so `work` must not consume anything. Of a connection that is lost
    while it commits nobody knows whether it did: `work` must then come to the same.
    """

    def write() -> Result:
        with engine.execution_options(writing=True).begin() as connection:
            return work(connection)

    return _try_again(engine, write)


def reading(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """Run `work`, which only reads; again where the connection is lost."""

    def read() -> Result:
        with engine.connect() as connection:
            return work(connection)

    return _try_again(engine, read)


def _try_again(engine: Engine, work: Callable[[], Result]) -> Result:
    with translate_errors(engine.url):
        for attempt in range(1, MAX_TRIES):
            try:
                return work()
            except sa.exc.DBAPIError as error:
                if not _may_pass(error):
                    raise
                reason = str(error.orig).strip().partition("\n")[0]
                _LOG.info("try %d of %d failed: %s", attempt, MAX_TRIES, reason)
                time.sleep(random.uniform(0.5, 1) * min(0.02 * 2**attempt, MAX_PAUSE))
        return work()


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
_COLLISIONS = ("40001", "40P01", "23505", "23503", "55P03")
"""PostgreSQL's codes for: not serialisable, deadlock, a unique row inserted by another, a row it
refers to deleted by another, a lock that is held."""
_LOST = ("08", "57P", "53300")
"""What its codes begin with where a connection was lost or refused: the server restarts, is full."""
_BUSY = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


def _may_pass(error: sa.exc.DBAPIError) -> bool:
    """True where the same may succeed a little later."""
    if isinstance(error.orig, sqlite3.Error):
        return getattr(error.orig, "sqlite_errorcode", 0) & 0xFF in _BUSY
    state = getattr(error.orig, "sqlstate", None) or ""
    if state:
        return state in _COLLISIONS or state.startswith(_LOST) or error.connection_invalidated
    # The client library gives no code where the connection itself fails.
    return error.connection_invalidated or isinstance(error, sa.exc.OperationalError)


def database_file(url: URL) -> Path | None:
    """The file of an SQLite database; None for others, and for one named by options."""
    name = url.database or ":memory:"
    is_file = url.get_backend_name() == "sqlite" and not name.startswith(("file:", ":memory:"))
    return Path(name) if is_file else None


def use_write_ahead_log(engine: Engine) -> None:
    """Let readers and a writer of an SQLite file not wait for each other. The file remembers it.

    Where it cannot be (another program reads the file now, or a shared folder knows no such locks) all
    works as before, with more waiting.
    """
    if engine.dialect.name == "sqlite":
        with contextlib.suppress(sa.exc.OperationalError), engine.connect() as connection:
            connection.exec_driver_sql("COMMIT")  # it is changed outside transactions only
            connection.exec_driver_sql("PRAGMA journal_mode = WAL")
            connection.exec_driver_sql("BEGIN")


def _check_file(url: URL, *, create: bool) -> None:
    path = database_file(url)
    if path is None:
        return
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
    connection.execute(f"PRAGMA busy_timeout = {BUSY_TIMEOUT}")
    # With a write-ahead log as safe against a kill.
    connection.execute("PRAGMA synchronous = NORMAL")


def _begin_sqlite(connection: Connection) -> None:
    # A writer takes its lock at once; one that read first could not get it while another waits.
    options = connection.get_execution_options()
    writing = options.get("writing", False)
    if options.get("rebuilding", False):  # or dropping a table would delete all that refers to it
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
