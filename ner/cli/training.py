"""How a training run is shown: a progress bar on a terminal, else a line every half minute."""

import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar, cast

from ner.cli.terminal import say

_SECONDS = 30.0  # between lines
_FIRST = 5.0  # until the first line: the first steps of a process are slow


class Step(Protocol):
    """What `train.Step` and `pretrain.PretrainStep` have in common."""

    @property
    def seconds_left(self) -> float: ...


Event = TypeVar("Event")
AnyStep = TypeVar("AnyStep", bound=Step)


def show_steps(
    events: Iterator[Event | AnyStep], kind: type[AnyStep], describe: Callable[[AnyStep], str]
) -> Iterator[Event]:
    """Show the steps among the events of a training, and pass the other events on.

    Args:
        describe: a step in some words; the time left is added.
    """
    from ner.cli.console import console

    screen = console(stderr=True)
    if not screen.is_terminal:
        due = time.monotonic() + _FIRST
        for event in events:
            if not isinstance(event, kind):
                yield cast(Event, event)
            elif time.monotonic() >= due:
                due = time.monotonic() + _SECONDS
                say(f"{describe(event)}, {duration(event.seconds_left)} left")
        return
    with screen.status("reading the data") as status:
        for event in events:
            if isinstance(event, kind):
                status.update(f"{describe(event)}, {duration(event.seconds_left)} left")
            else:
                yield cast(Event, event)


def duration(seconds: float) -> str:
    """``40 s``, ``3 min`` or ``2 h 5 min``."""
    minutes = round(seconds / 60)
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
