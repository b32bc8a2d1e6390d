"""A foreign table that is open, with our tables beside it: two connections, and whether ours are made yet."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, Self, TypeVar

from sqlalchemy.engine import Connection

from ner.errors import NerError
from ner.store.foreign.column_types import our_id_type
from ner.store.foreign.config import ForeignConfig, read_config
from ner.store.foreign.database import in_transaction, open_reader, open_writer, reading
from ner.store.foreign.making import Undoing, create_tables, state_of, upgrade_tables
from ner.store.foreign.schema import Tables, make_tables
from ner.store.foreign.table import ForeignTable
from ner.store.urls import safe_url

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")


class Opened:
    """What the parts of `ForeignStore` share; a context manager that closes the connections.

    Args:
        any_version: our tables may be those of an earlier version.

    Raises:
        NerError: a database cannot be reached, has not what the config says, or our tables there are those
            of an earlier version.
    """

    def __init__(self, config: ForeignConfig, *, any_version: bool = False) -> None:
        self.config = config
        self._reader = open_reader(config.articles.url)
        self._writer = open_writer(config.spans_url)
        try:
            self.table = ForeignTable(self._reader, config.articles)
            kind = our_id_type(self._reader, self.table.id_type, self._writer.dialect)
            if config.spans.schema_name and self._writer.dialect.name == "sqlite":
                raise NerError("SQLite has no schemas", remedy="name a prefix under [spans]")
            self._tables = make_tables(config.spans, kind)
            state = state_of(self._writer, self._tables)
            self._has_tables = state != "none"
            self._made: Undoing = ()  # by this one, while nothing else has used it
            self.is_old = state == "old"
            if self.is_old and not any_version:
                raise NerError(
                    "the tables of ner here were made by an earlier version",
                    where=self.shown_url,
                    remedy="ner store upgrade with the same --store",
                )
        except BaseException:
            self.close()
            raise

    @classmethod
    def open(cls, path: Path, *, any_version: bool = False) -> Self:
        """Open what a TOML file describes, which errors name."""
        config = read_config(path)
        try:
            return cls(config, any_version=any_version)
        except NerError as error:
            error.where = f"{path}: {error.where}" if error.where else str(path)
            raise

    @property
    def shown_url(self) -> str:
        """What of the URL of our tables may be shown: no user, no password."""
        return safe_url(self._writer.url)

    def close(self) -> None:
        """Close the connections."""
        self._reader.dispose()
        self._writer.dispose()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, work: Callable[[Connection], Result], nothing: Result) -> Result:
        """What our tables hold; `nothing` while there are none."""
        return reading(self._writer, work) if self._has_tables else nothing

    def _write(self, work: Callable[[Connection], Result]) -> Result:
        """Run `work` in one transaction; our tables are made where there are none."""
        if not self._has_tables:
            self._make_tables()
        return in_transaction(self._writer, work)

    def _make_tables(self) -> None:
        self.table.check_ids()
        try:
            self._made = create_tables(self._writer, self._tables)
        except NerError:
            # or another process was faster
            if state_of(self._writer, self._tables) != "current":
                raise
        self._has_tables = True


def reads(
    work: Callable[Concatenate[Connection, Tables, Parameters], Result],
    nothing: Callable[[], Result],
) -> Callable[Concatenate[Opened, Parameters], Result]:
    """A method of the store: `work`, which only reads our tables; gives `nothing()` while there are none."""

    @wraps(work)
    def method(self: Opened, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return self._read(
            lambda connection: work(connection, self._tables, *args, **kwargs), nothing()
        )

    return method


def writes(
    work: Callable[Concatenate[Connection, Tables, Parameters], Result],
) -> Callable[Concatenate[Opened, Parameters], Result]:
    """A method of the store: `work` in one transaction; our tables are made where there are none."""

    @wraps(work)
    def method(self: Opened, /, *args: Parameters.args, **kwargs: Parameters.kwargs) -> Result:
        return self._write(lambda connection: work(connection, self._tables, *args, **kwargs))

    return method


def upgrade(path: Path) -> bool:
    """Bring our tables beside a foreign table up to date; False where there is nothing to do.

    Args:
        path: the TOML file that describes the table.

    Raises:
        NerError: a database cannot be reached, or the user may not change our tables.
    """
    with Opened.open(path, any_version=True) as opened:
        if opened.is_old:
            upgrade_tables(opened._writer, opened._tables)
        return opened.is_old
