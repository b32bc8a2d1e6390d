"""Errors that a person can act on: what was found, where, and the remedy."""

from collections.abc import Iterator
from contextlib import contextmanager

#: The name on PyPI, where `ner` is a stranger's package; the import and the command are `ner`.
DISTRIBUTION = "zh-news-ner"


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


def first_line(error: Exception) -> str:
    """The first line of another library's error; its kind where it says nothing."""
    return (str(error).strip() or type(error).__name__).splitlines()[0]


def missing_extra(library: str | None, extra: str, *, where: str = "") -> NerError:
    """The error for an optional library that is not installed, with the extra that installs it.

    Args:
        library: the name of the missing module or distribution.
        extra: one of the extras in pyproject.toml, or several separated by commas.
        where: what needed the library: a file, a database, a model.
    """
    return NerError(
        f"this needs {library or 'a library that is not installed'}",
        where=where,
        remedy=f"pip install '{DISTRIBUTION}[{extra}]'",
    )


@contextmanager
def at(where: str) -> Iterator[None]:
    """Give errors raised inside the block their place, unless they already know it."""
    try:
        yield
    except NerError as error:
        error.where = error.where or where
        raise
