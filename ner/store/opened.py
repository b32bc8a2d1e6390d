"""An open database: its connections, its transactions, and whether it has the tables of a store."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy.engine import Connection

from ner.store.database import (
    database_file,
    in_transaction,
    open_engine,
    reading,
    use_write_ahead_log,
)
from ner.store.urls import safe_url
from ner.store.versions import has_tables

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Opened:
    """What the parts of `Store` share; a context manager that closes the connections.

    Raises:
        NerError: it cannot be reached, is not there, belongs to another program, or was made by an earlier
            or a newer version.
    """

    def __init__(self, url: str, *, create: bool = False) -> None:
        self._engine = open_engine(url, create=create)
        self._has_log = False
        try:
            self._has_tables = has_tables(self._engine, create=create)
        except BaseException:
            self.close()
            raise

    def __repr__(self) -> str:
        return f"Store({self.shown_url!r})"

    @property
    def shown_url(self) -> str:
        """What of its URL may be shown: no user, no password."""
        return safe_url(self._engine.url)

    @property
    def portable_url(self) -> str:
        """The same, but that of a SQLite file holds in any folder."""
        shown, file = self.shown_url, database_file(self._engine.url)
        if file and shown == f"sqlite:///{self._engine.url.database}":  # nothing is left out of it
            return f"sqlite:///{file.absolute()}"
        return shown

    def close(self) -> None:
        """Close the connections."""
        self._engine.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, work: Callable[[Connection], Result], *, makes_tables: bool = False) -> Result:
        """Run `work` in one transaction; again where that meets another or loses its connection."""
        if not makes_tables:
            self._check_tables()
        if not self._has_log:
            use_write_ahead_log(self._engine)
            self._has_log = True
        return in_transaction(self._engine, work)

    def _read(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work`, which only reads; again where the connection is lost."""
        self._check_tables()
        return reading(self._engine, work)

    def _check_tables(self) -> None:
        """Look for tables again where there were none: another process may have made them.

        Raises:
            NerError: there are still none.
        """
        if not self._has_tables:
            self._has_tables = has_tables(self._engine, create=False)


def reads(
    work: Callable[Concatenate[Connection, Parameters], Result],
) -> Callable[Concatenate[Opened, Parameters], Result]:
    """A method of the store: `work`, which takes a connection and only reads."""

    @wraps(work)
    def method(self: Opened, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return self._read(lambda connection: work(connection, *args, **kwargs))

    return method


def writes(
    work: Callable[Concatenate[Connection, Parameters], Result],
) -> Callable[Concatenate[Opened, Parameters], Result]:
    """A method of the store: `work`, which takes a connection, in one transaction."""

    @wraps(work)
    def method(self: Opened, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return self._write(lambda connection: work(connection, *args, **kwargs))

    return method
