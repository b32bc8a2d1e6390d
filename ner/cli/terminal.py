"""What commands share: files and standard streams, progress, messages, missing extras."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, BinaryIO, TypeVar

import typer

from ner.errors import NerError

Item = TypeVar("Item")


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Name the extra, where a library that only it installs is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise NerError(f"this needs {error.name}", remedy=f"pip install 'ner[{extra}]'") from None


@contextmanager
def reading(name: str) -> Iterator[BinaryIO]:
    """Standard input for ``-``, or a file that is there and not empty."""
    if name == "-":
        yield sys.stdin.buffer
        return
    path = Path(name)
    try:
        file = path.open("rb")
        empty = path.stat().st_size == 0
    except IsADirectoryError:
        raise NerError("is a folder", where=name, remedy="name a JSONL file") from None
    except OSError as error:
        raise NerError(
            f"cannot be read: {error.strerror}", where=name, remedy="check the path"
        ) from None
    with file:
        if empty:
            raise NerError("is empty", where=name, remedy="one JSON object a line")
        yield file


@contextmanager
def writing(name: str) -> Iterator[IO[str]]:
    """Standard output, or a file that appears when it is whole."""
    if name == "-":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(name)
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise NerError(
            f"cannot be written: {error.strerror}", where=name, remedy="check folder and rights"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def progress(items: Iterable[Item], what: str, *, total: int | None = None) -> Iterator[Item]:
    """Pass items on under a progress bar, where a person watches."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from ner.render import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    screen = console(stderr=True)
    with Progress(
        *columns, console=screen, transient=True, disable=not screen.is_terminal
    ) as progress:
        yield from progress.track(items, description=what, total=total)


def say(message: str) -> None:
    """A line for the person at the terminal; standard output is for data."""
    typer.echo(message, err=True)


def say_error(message: str) -> None:
    """A line that begins with error."""
    typer.secho("error: ", fg="red", err=True, nl=False)
    typer.echo(message, err=True)
