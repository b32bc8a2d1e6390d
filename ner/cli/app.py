"""The application that commands register with: its global options, errors, signals and exit status."""

import logging
import math
import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ner.cli import log
from ner.cli.terminal import hide_secrets, safe, say_error
from ner.errors import NerError

_LOG = logging.getLogger(__name__)

UsageError: Any = typer.BadParameter.__base__  # of click, or of the copy of it inside newer typer


class Terminated(KeyboardInterrupt):
    """SIGTERM or SIGHUP, which end a command as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__()
        self.number = number


class Group(TyperGroup):
    """Turns errors and signals into one line and an exit status, in one place."""

    def main(self, *args: Any, **options: Any) -> Any:
        with _signals(), _standard_streams():
            log.configure(debug=False, form="")
            try:
                return super().main(*args, **options)
            except OSError as error:  # the help went to a full disk, for example
                _discard_output()
                say_error(_one_line(error))
                raise SystemExit(1) from None

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # the reader stopped reading, as head does
            _discard_output()
            raise typer.Exit(0) from None
        except KeyboardInterrupt as stop:
            # Where it came in code given as a string, as dataclasses run it during an import, CPython
            # remembers it as unhandled and ends by the signal, not with our status; this forgets it.
            exec("")
            kept = "; ".join(map(str, stop.args)) if stop.args else ""
            say_error(f"interrupted{kept and '; '}{kept}")
            number = stop.number if isinstance(stop, Terminated) else signal.SIGINT
            raise typer.Exit(128 + number) from None
        except (typer.Exit, typer.Abort):
            raise
        except Exception as error:
            if isinstance(error, UsageError):  # it may quote a file's name
                error.message = safe(hide_secrets(error.message))
                raise
            _LOG.debug("the command failed", exc_info=True)
            if isinstance(error, OSError) and not error.filename:  # of standard output
                _discard_output()
            say_error(_one_line(error))
            raise typer.Exit(1) from None


def _one_line(error: Exception) -> str:
    if isinstance(error, NerError):
        return str(error)
    if isinstance(error, OSError) and error.strerror:
        where = str(error.filename or "standard output")
        return str(NerError(error.strerror, where=where, remedy="check the path and the disk"))
    remedy = "the traceback is above" if log.is_debug() else "`ner --debug …` prints the traceback"
    return str(NerError(f"unexpected {type(error).__name__}: {error}", remedy=remedy))


@contextmanager
def _signals() -> Iterator[None]:
    """Raise `Terminated` on SIGTERM and SIGHUP, so that temporary files are removed."""

    def stop(number: int, _: FrameType | None) -> None:
        raise Terminated(number)

    before: dict[int, Any] = {}
    with suppress(ValueError):  # not in the main thread
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) == signal.SIG_DFL:
                before[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)


@contextmanager
def _standard_streams() -> Iterator[None]:
    """Standard streams that a command can rely on.

    One that the caller closed gives an error when it is used. A character that the console cannot
    show is replaced. A full disk or a closed pipe at the last flush is no traceback.
    """
    if sys.stdin is None:
        sys.stdin = os.fdopen(os.open(os.devnull, os.O_WRONLY), "r")
    if sys.stdout is None:  # a descriptor that cannot be written: nothing else gets number 1
        sys.stdout = os.fdopen(os.open(os.devnull, os.O_RDONLY), "w")
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w")  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError):
            stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    try:
        yield
    finally:
        _flush()


def _flush() -> None:
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_output()
    except OSError as error:
        _discard_output()
        say_error(f"standard output: {error.strerror}")
        raise SystemExit(1) from None


def _discard_output() -> None:
    """Send what is still buffered to nowhere, so that the interpreter's own flush does not fail."""
    with suppress(OSError, ValueError):
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def group(name: str, *, of: typer.Typer = app, **options: Any) -> typer.Typer:
    """Commands under a name: of `ner`, or of another group."""
    made = typer.Typer(cls=Group, rich_markup_mode="markdown", **options)
    of.add_typer(made, name=name)
    return made


def _version(wanted: bool) -> None:
    if wanted:
        import ner

        typer.echo(f"ner {ner.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Print the version."),
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log every step to standard error, with tracebacks.")
    ] = False,
    log_format: Annotated[
        str, typer.Option(help="Log what is done to standard error: text, or json for programs.")
    ] = "",
) -> None:
    """Tag people, places, organisations and programme brands in Chinese newspaper articles."""
    if log_format not in ("", *log.FORMATS):
        raise NerError(
            f"unknown log format {log_format!r}", remedy=f"one of {', '.join(log.FORMATS)}"
        )
    log.configure(debug=debug, form=log_format)


StoreUrl = Annotated[
    str,
    typer.Option(
        "--store",
        envvar="NER_STORE",
        help="The article store: sqlite:///FILE or postgresql://…; a table of yours: FILE.toml.",
    ),
]
ModelName = Annotated[
    str, typer.Option("--model", envvar="NER_MODEL", help="A model's name, or its folder.")
]
UsedModel = Annotated[
    str,
    typer.Option(
        "--model",
        envvar="NER_MODEL",
        show_default="the model in use; where it has tagged nothing there, the last that has",
        help="Whose spans, by name.",
    ),
]
Least = Annotated[
    list[str] | None,
    typer.Option(
        metavar="SCORE|LABEL=SCORE",
        help="Only spans with at least this score: 0.8, or for one label BRAND=0.8; repeatable.",
    ),
]
Paper = Annotated[str, typer.Option(help="Only of this newspaper.")]
Date = Annotated[
    str, typer.Option(help="Only of this day, month or year: 2025-03-18, 2025-03, 2025.")
]
Page = Annotated[str, typer.Option(help="Only on this page: 3.")]
Label = Annotated[str, typer.Option(help="Only with a span of this label: BRAND.")]
Holds = Annotated[
    str, typer.Option("--text", help="Only where the text holds this, upper or lower case.")
]
AsTagged = Annotated[
    bool,
    typer.Option(
        "--as-tagged",
        help="The model's spans, whatever people said of them; else without those called wrong, and with"
        " those called right.",
    ),
]
DEFAULT_STORE = "sqlite:///articles.db"


def thresholds(least: list[str] | None) -> dict[str, float] | float | None:
    """What ``--least`` asks for: a threshold for all labels, or thresholds by label; None if omitted.

    Raises:
        NerError: a value is not a score between 0 and 1.
    """
    from ner.labels import LABELS

    found: dict[str, float] = {}
    for value in least or ():
        label, _, score = value.rpartition("=")
        try:
            found[label] = float(score)
        except ValueError:
            found[label] = math.nan
        if not 0 <= found[label] <= 1:
            raise NerError(
                f"--least {value} is not a score", remedy="0.8, or BRAND=0.8: between 0 and 1"
            )
    if not found:
        return None
    everywhere = found.pop("", None)
    if everywhere is None:
        return found
    return dict.fromkeys(LABELS, everywhere) | found if found else everywhere
