"""What commands share: files and standard streams, progress, messages, text safe for a terminal."""

import codecs
import json
import logging
import re
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO, TypeVar, cast

import typer

from ner.cli import log
from ner.errors import NerError, missing_extra
from ner.files import open_output

if TYPE_CHECKING:
    from rich.progress import Progress, ProgressColumn

    from ner.article import Article, Rejected
    from ner.formats import Item
    from ner.words import Segment

Each = TypeVar("Each")

_LOG = logging.getLogger(__name__)

# Control characters of C0 and C1 but tab and line feed, bidirectional marks, embeddings and isolates,
# line separators, lone surrogates.
_UNSAFE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)


def safe(text: str) -> str:
    r"""A text that cannot control a terminal: characters that could are escaped as in JSON (``\u001b``)."""
    return _UNSAFE.sub(lambda match: json.dumps(match[0])[1:-1], text)


# To the end of the word, since a mistyped password may hold any character.
_SECRET = re.compile(r"\b([a-z][a-z0-9+]*:)\S*(?:@|passw)\S*", re.IGNORECASE)


def hide_secrets(text: str) -> str:
    """A message without what may be a URL's user and password, wherever on the command line it was given."""
    return _SECRET.sub(r"\1…", text)


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
        empty = path.is_file() and path.stat().st_size == 0
    except IsADirectoryError:
        raise NerError("is a folder", where=name, remedy="name a JSONL file") from None
    except OSError as error:
        raise NerError(
            f"cannot be read: {error.strerror}", where=name, remedy="check the path"
        ) from None
    with file:
        if empty:
            raise NerError("is empty", where=name, remedy="one JSON object per line")
        yield file


@contextmanager
def writing(name: str) -> Iterator[codecs.StreamWriter]:
    """Standard output for ``-``, or a file that appears when it is complete; UTF-8 in either."""
    with writing_bytes(name) as file:
        yield codecs.getwriter("utf-8")(file)


@contextmanager
def writing_bytes(name: str) -> Iterator[BinaryIO]:
    """The same for bytes. What is data stays exact, except where a terminal shows it: see `safe`."""
    if name != "-":
        with interruption(f"{name} was not written"), open_output(Path(name)) as file:
            yield file
        return
    sys.stdout.flush()
    if sys.stdout.isatty():
        with _no_progress():
            yield cast(BinaryIO, _TerminalOutput())
    else:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()


_progress_hidden = False


@contextmanager
def _no_progress() -> Iterator[None]:
    """Show no progress bar in the block: it would stand between the lines of data on the terminal."""
    global _progress_hidden
    before, _progress_hidden = _progress_hidden, True
    try:
        yield
    finally:
        _progress_hidden = before


class _TerminalOutput:
    """Takes bytes in UTF-8 and shows them on the terminal, in its encoding and safe."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")

    def write(self, data: bytes) -> None:
        sys.stdout.write(safe(self._decoder.decode(data)))

    def writelines(self, lines: Iterable[bytes]) -> None:
        for line in lines:
            self.write(line)

    def flush(self) -> None:
        sys.stdout.flush()


@contextmanager
def interruption(kept: str) -> Iterator[None]:
    """Say, where the block is interrupted (Ctrl-C, SIGTERM), what that leaves behind."""
    try:
        yield
    except KeyboardInterrupt as stop:
        stop.args = (*stop.args, kept)
        raise


def save(
    form: str,
    articles: "Iterable[Article]",
    output: str,
    segment: "Segment | None" = None,
    *,
    by_date: bool = False,
) -> None:
    """Write articles in a form and say what was dropped since the form cannot represent it.

    Args:
        by_date: a folder a day in the folder `output`.
    """
    from ner import formats
    from ner.formats.save import save

    dropped: Counter[str] = Counter()
    if (by_date or formats.FORMATS[form].folder) and output != "-":
        with interruption(f"{output} was not written"):
            save(form, articles, Path(output), segment=segment, dropped=dropped, by_date=by_date)
    else:
        with writing_bytes(output) as file:
            save(form, articles, file, segment=segment, dropped=dropped, by_date=by_date)
    say_dropped(dropped, form)


def say_dropped(dropped: "Counter[str]", form: str) -> None:
    """What was left out and counted, if anything was."""
    if parts := [f"{number:,} {what}" for what, number in sorted(dropped.items()) if number]:
        say(f"dropped, since {form} cannot represent it: {', '.join(parts)}")


def say_skipped(skipped: "Counter[str]") -> None:
    """What folders and archives hold that was not read, by kind, if anything."""
    if parts := [f"{number:,} {kind}" for kind, number in sorted(skipped.items()) if number]:
        say(f"skipped: {', '.join(parts)}")


def readable(items: "Iterable[Item]", failed: "list[Rejected]") -> "Iterator[Article]":
    """The articles of a stream; what could not be read is reported and added to `failed`."""
    from ner.article import Rejected

    for item in items:
        if isinstance(item, Rejected):
            failed.append(item)
            say_error(str(item))
        else:
            yield item


def progress(items: Iterable[Each], what: str, *, total: int | None = None) -> Iterator[Each]:
    """Pass items on under a progress bar, where standard error is a terminal."""
    from rich.progress import TimeRemainingColumn

    with progress_bar("{task.description}", TimeRemainingColumn()) as bar:
        yield from bar.track(items, description=what, total=total)


def track(steps: Iterable[tuple[int, int]], what: str) -> None:
    """Run steps that yield how much is done of how much, under a progress bar on a terminal."""
    with progress_bar("{task.description}") as bar:
        task = bar.add_task(what, total=None)
        for done, total in steps:
            bar.update(task, completed=done, total=total)


def progress_bar(what: str, *more: "str | ProgressColumn") -> "Progress":
    """What is done, a bar, how much of how much, and more columns; shown on a terminal only."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress

    from ner.cli.console import console

    screen = console(stderr=True)
    hidden = _progress_hidden or not screen.is_terminal
    columns = (what, BarColumn(), MofNCompleteColumn(), *more)
    return Progress(*columns, console=screen, transient=True, disable=hidden)


def count(number: int, noun: str) -> str:
    """``1 article``, ``2 articles``, ``2 batches``."""
    ending = "" if number == 1 else "es" if noun.endswith("ch") else "s"
    return f"{number:,} {noun}{ending}"


def echo(message: str) -> None:
    """A line on standard output for a person to read."""
    typer.echo(safe(message))


def say(message: str) -> None:
    """A line for the person at the terminal; standard output is for data."""
    if log.is_json():
        _LOG.info(message)
    else:
        typer.echo(safe(message), err=True)


def say_error(message: str) -> None:
    """A line that begins with error."""
    if log.is_json():
        _LOG.error(message)
    else:
        typer.secho("error: ", fg="red", err=True, nl=False)
        typer.echo(safe(hide_secrets(message)).replace("\n", " "), err=True)
