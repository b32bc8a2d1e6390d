"""What goes wrong, said so that a person can act: what was met, where, and the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager


class NerError(Exception):
    """An error the user can do something about.

    Args:
        message: what was met.
        where: the file, line, article or store it was met in.
        remedy: what to do about it.
    """

    def __init__(self, message: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        place = f"{self.where}: " if self.where else ""
        remedy = f" ({self.remedy})" if self.remedy else ""
        return f"{place}{self.message}{remedy}"


@contextmanager
def at(where: str) -> Iterator[None]:
    """Give errors raised inside the block their place, unless they already know it."""
    try:
        yield
    except NerError as error:
        error.where = error.where or where
        raise
