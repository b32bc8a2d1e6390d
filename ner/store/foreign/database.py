"""Connections to foreign databases: one that can only read, one that writes to our tables."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection, Engine

from ner.errors import NerError, missing_extra
from ner.store.urls import DRIVERS, parse_url, safe_url, secrets

ALL_DRIVERS = {
    **DRIVERS,
    **dict.fromkeys(("mysql", "mysql+pymysql"), "mysql+pymysql"),
    **dict.fromkeys(("mariadb", "mariadb+pymysql"), "mariadb+pymysql"),
}
MAX_TRIES = 8  # of a transaction that meets another, or loses its connection
WAIT = 10  # seconds for a connection, or for another writer of an SQLite file

Result = TypeVar("Result")


def open_reader(url: str) -> Engine:
    """An engine whose connections refuse to write.

    Raises:
        NerError: it is not a database's URL, or there is no such file.
    """
    engine = _open(url)
    sa.event.listen(engine, "connect", _read_only)
    return engine


def open_writer(url: str) -> Engine:
    """An engine for our tables; an SQLite file may be missing, and is made by the first write.

    Raises:
        NerError: it is not a database's URL, or the folder of the file is missing.
    """
    engine = _open(url, create=True)
    if engine.dialect.name == "sqlite":
        sa.event.listen(engine, "connect", _no_implicit_transactions)
        sa.event.listen(engine, "begin", _begin_writing)
    return engine


def _open(url: str, *, create: bool = False) -> Engine:
    parsed = parse_url(url, ALL_DRIVERS)
    arguments: dict[str, Any] = {"connect_timeout": WAIT}
    options: dict[str, Any] = {"isolation_level": "READ COMMITTED"}
    if parsed.get_backend_name() == "sqlite":
        path = Path(parsed.database or "")
        if not path.is_file() and not (create and path.parent.is_dir()):
            raise NerError("no such file", where=safe_url(parsed), remedy="check the url")
        arguments, options = {"timeout": WAIT}, {}
    elif "connect_timeout" in parsed.query:
        arguments = {}
    with translate_errors(parsed):
        return sa.create_engine(parsed, connect_args=arguments, pool_pre_ping=True, **options)


def exists(engine: Engine) -> bool:
    """False for an SQLite file that is not there yet; looking into it would make it."""
    return engine.dialect.name != "sqlite" or Path(engine.url.database or "").is_file()


def _read_only(connection: Any, record: Any) -> None:
    if hasattr(connection, "read_only"):  # psycopg
        from psycopg.types.string import TextLoader

        connection.read_only = True
        for kind in ("date", "timestamp", "timestamptz"):  # also infinity, and 44 BC
            connection.adapters.register_loader(kind, TextLoader)
        return
    cursor = connection.cursor()
    is_sqlite = type(connection).__module__.startswith("sqlite3")
    if is_sqlite:
        # A row that is not UTF-8 costs itself only: its bytes come as halves of surrogate pairs.
        connection.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    statement = "PRAGMA query_only = ON" if is_sqlite else "SET SESSION TRANSACTION READ ONLY"
    cursor.execute(statement)
    cursor.close()


def _no_implicit_transactions(connection: Any, _: object) -> None:
    connection.isolation_level = None


def _begin_writing(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def reading(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """Run `work`, which only reads; again where the connection is lost."""

    def read() -> Result:
        with engine.connect() as connection:
            return work(connection)

    return _tried(engine, read)


def in_transaction(engine: Engine, work: Callable[[Connection], Result]) -> Result:
    """Run `work` in a transaction: all is kept, or nothing. Again where it meets another one."""

    def write() -> Result:
        with engine.begin() as connection:
            return work(connection)

    return _tried(engine, write)


def _tried(engine: Engine, work: Callable[[], Result]) -> Result:
    with translate_errors(engine.url):
        for attempt in range(1, MAX_TRIES + 1):
            try:
                return work()
            except sa.exc.DBAPIError as error:
                if attempt == MAX_TRIES or not _may_succeed_later(error):
                    raise
                time.sleep(random.uniform(0, 0.02 * 2**attempt))
    raise AssertionError("not reached")


_COLLISIONS = {
    *("40001", "40P01", "23505"),  # PostgreSQL: not serialisable, deadlock, inserted by another too
    *(1205, 1213, 1062),  # MySQL: waited too long, deadlock, inserted by another too
}


def _may_succeed_later(error: sa.exc.DBAPIError) -> bool:
    if error.connection_invalidated:
        return True
    code = getattr(error.orig, "sqlstate", None) or (error.orig and (*error.orig.args, "")[0])
    return code in _COLLISIONS or "database is locked" in str(error.orig)


@contextmanager
def translate_errors(url: URL) -> Iterator[None]:
    """Raise the database's errors as `NerError`, without a password."""
    try:
        yield
    except ModuleNotFoundError as error:
        extra = "postgres" if url.get_backend_name() == "postgresql" else "mysql"
        raise missing_extra(error.name, extra, where=safe_url(url)) from None
    except sa.exc.DBAPIError as error:
        arguments = error.orig.args if error.orig else ()
        said = arguments[1] if len(arguments) == 2 else error.orig  # PyMySQL: number and message
        reason = (str(said).strip().splitlines() or ["failed"])[0]
        if any(secret in reason for secret in secrets(url)):
            reason = "cannot be opened"
        remedy = next((each for sign, each in _REMEDIES.items() if sign in reason), "")
        raise NerError(reason, where=safe_url(url), remedy=remedy) from None


_REMEDIES = {
    "database is locked": "another program is writing to it; try again when that is done",
    "readonly database": "our tables go elsewhere with url under [spans]",
    "read-only": "our tables go elsewhere with url under [spans]",
    "ermission denied": "give the user the right, or name another database under [spans]",
    "command denied": "GRANT the right, or name another database under [spans]",
    "' to database": "GRANT the right, or name another database under [spans]",
    "ccess denied": "check user and password in the url",
    "authentication failed": "check user and password in the url",
    "onnection refused": "is the database running, and are host and port right?",
    "Can't connect": "is the database running, and are host and port right?",
}
