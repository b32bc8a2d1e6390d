"""What is seen of a long run while it goes on: progress on a terminal, lines in a log, metrics."""

import logging
import signal
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Event
from types import FrameType
from typing import TYPE_CHECKING, Any

from ner.cli.app import Terminated
from ner.cli.terminal import progress_bar, say, say_error
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.batch.ends import Progress
    from ner.batch.totals import Totals

_LOG = logging.getLogger(__name__)
_LOG_EVERY = 10.0  # seconds
_METRICS_EVERY = 5.0  # seconds


def watch(steps: "Iterable[Progress]", totals: "Totals", metrics: Path | None) -> None:
    """Take a run's steps, add them up, and show how far it is; an article that fails is a line of error.

    Raises:
        NerError: the metrics cannot be written; what was tagged is stored.
    """
    logged = measured = time.monotonic()
    _write(metrics, totals, is_running=True)
    try:
        for step in _shown(steps, totals):
            totals.add(step)
            if step.failure:
                say_error(str(step.failure))
            now = time.monotonic()
            if now - logged >= _LOG_EVERY:
                _log("tagging", totals)
                logged = now
            if now - measured >= _METRICS_EVERY:
                _write(metrics, totals, is_running=True)
                measured = now
    finally:
        _write(metrics, totals, is_running=False)
        _log("ended", totals)


def _log(what: str, totals: "Totals") -> None:
    row = totals.to_row()
    text = ", ".join(f"{name} {value}" for name, value in row.items())
    _LOG.info("%s: %s", what, text, extra={"fields": row})


def _write(metrics: Path | None, totals: "Totals", *, is_running: bool) -> None:
    from ner.batch.totals import write_metrics

    if metrics is None:
        return
    try:
        write_metrics(metrics, totals, is_running=is_running)
    except OSError as error:
        raise NerError(
            f"the metrics cannot be written: {error.strerror}",
            where=str(metrics),
            remedy="check the folder",
        ) from None


def _shown(steps: "Iterable[Progress]", totals: "Totals") -> "Iterator[Progress]":
    from rich.progress import TimeRemainingColumn

    columns = ("{task.fields[speed]}", TimeRemainingColumn(), "{task.fields[quarantined]}")
    with progress_bar("tagging", *columns) as bar:
        task = bar.add_task("tagging", total=totals.to_do, speed="", quarantined="")
        for step in steps:
            yield step
            speed = totals.articles / max(totals.seconds, 1e-9)
            quarantined = f"{totals.failed:,} quarantined" if totals.failed else ""
            bar.update(task, advance=1, speed=f"{speed:,.0f}/s", quarantined=quarantined)


class Stop:
    """Whether a run is asked to end.

    Args:
        event: set when it is.
        number: of the signal that asked; 0 for none.
    """

    def __init__(self) -> None:
        self.event = Event()
        self.number = 0


@contextmanager
def stopping() -> Iterator[Stop]:
    """Let the first SIGINT, SIGTERM or SIGHUP ask the block to end, and the second end it at once."""
    stop = Stop()
    before: dict[int, Any] = {}

    def ask(number: int, frame: FrameType | None) -> None:
        if stop.number:
            raise Terminated(number)
        stop.number = number
        stop.event.set()
        say("ending after what is being tagged; once more ends it at once")

    try:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            before[number] = signal.signal(number, ask)
    except ValueError:  # not in the main thread: whoever runs it there stops it otherwise
        before = {}
    try:
        yield stop
    finally:
        for caught, handler in before.items():
            signal.signal(caught, handler)
