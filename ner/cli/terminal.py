"""What commands share: files and standard streams, progress, messages, missing extras."""

import shutil
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, BinaryIO, TypeVar

import typer

from ner.errors import NerError, missing_extra

if TYPE_CHECKING:
    from ner.article import Article, Rejected
    from ner.formats import Item
    from ner.words import Segment

Each = TypeVar("Each")


@contextmanager
def needing(extra: str) -> Iterator[None]:
    """Name the extra, where a library that only it installs is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise missing_extra(error.name, extra) from None


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
    with _appearing(name) as beside, beside.open("w", encoding="utf-8", newline="\n") as file:
        yield file


@contextmanager
def _appearing(name: str) -> Iterator[Path]:
    """A path beside the one named, which takes its place when the block is done."""
    path = Path(name)
    beside = path.with_name(path.name + ".part")
    try:
        yield beside
        beside.replace(path)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise NerError(
            f"cannot be written: {error.strerror}", where=name, remedy="check folder and rights"
        ) from None
    finally:
        if beside.is_dir():
            shutil.rmtree(beside)
        else:
            beside.unlink(missing_ok=True)


def save(
    form: str, articles: "Iterable[Article]", output: str, segment: "Segment | None" = None
) -> None:
    """Write articles in a form, whole or not at all, and say what it had no room for.

    Args:
        output: a file, ``-``, or for a form of many files a folder that is not there yet.
        segment: cuts a text into words, for the forms `BY_WORDS`.
    """
    from ner.formats import FORMATS

    lost: Counter[str] = Counter()
    write, folder = FORMATS[form].write, FORMATS[form].folder
    assert write
    if folder and (output == "-" or Path(output).exists()):
        raise NerError(f"{form} makes a new folder", where=output, remedy="name one not there yet")
    parts = write(articles, lost, segment) if segment else write(articles, lost)
    if output == "-":
        for part in parts:
            sys.stdout.buffer.write(part.data)
        sys.stdout.flush()
    else:
        with _appearing(output) as beside:
            if folder:
                beside.mkdir()
                for part in parts:
                    (beside / part.name).write_bytes(part.data)
            else:
                with beside.open("wb") as file:
                    file.writelines(part.data for part in parts)
    say_lost(lost, f"{form} has no room for")


def say_lost(lost: "Counter[str]", why: str) -> None:
    """What was left out and counted, if anything was."""
    if left_out := [f"{number} {what}" for what, number in sorted(lost.items()) if number]:
        say(f"{why}, left out: {', '.join(left_out)}")


def readable(items: "Iterable[Item]", failed: "list[Rejected]") -> "Iterator[Article]":
    """The articles of a stream; what is none is said and added to `failed`."""
    from ner.article import Rejected

    for item in items:
        if isinstance(item, Rejected):
            failed.append(item)
            say_error(str(item))
        else:
            yield item


def progress(items: Iterable[Each], what: str, *, total: int | None = None) -> Iterator[Each]:
    """Pass items on under a progress bar, where a person watches."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from ner.cli.render import console

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
