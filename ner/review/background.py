"""Work that takes longer than a request: one at a time, in a thread, with its progress."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

from ner.errors import NerError

Result = TypeVar("Result")
Watch = Callable[[int, int], None]
"""Told how much is done, of how much."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a piece of work is.

    Args:
        what: as it was asked for; empty where there was none yet.
        failed: why it ended without a result.
    """

    what: str = ""
    done: int = 0
    total: int = 0
    running: bool = False
    failed: str = ""


class Background(Generic[Result]):
    """The last piece of work, running or done; it ends with the program, and is then asked for again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._progress = Progress()
        self._result: Result | None = None

    @property
    def progress(self) -> Progress:
        """How far it is."""
        with self._lock:
            return self._progress

    @property
    def result(self) -> Result | None:
        """Of the last work that was done; None while other work runs."""
        with self._lock:
            return None if self._progress.running else self._result

    def start(self, what: str, work: Callable[[Watch], Result]) -> bool:
        """Begin, unless something runs; whether it was begun."""
        with self._lock:
            if self._progress.running:
                return False
            self._progress, self._result = Progress(what, running=True), None
        threading.Thread(target=self._run, args=(what, work), daemon=True, name="compare").start()
        return True

    def _run(self, what: str, work: Callable[[Watch], Result]) -> None:
        def watch(done: int, total: int) -> None:
            with self._lock:
                self._progress = Progress(what, done, total, running=True)

        failed, result = "", None
        try:
            result = work(watch)
        except NerError as error:
            failed = str(error)
        except Exception as error:  # whatever it is, the page must not wait for ever
            failed = f"{type(error).__name__}: {error}"
        with self._lock:
            done = self._progress
            self._progress = Progress(what, done.done, done.total, failed=failed)
            self._result = result
