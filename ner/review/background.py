"""Work that takes longer than a request: one at a time, in a thread, with its progress."""

import threading
from collections.abc import Callable
from concurrent.futures import Future
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

    def start(self, what: str, work: Callable[[Watch], Result]) -> Future[Result] | None:
        """Begin; what comes of it, or None where something else runs."""
        with self._lock:
            if self._progress.running:
                return None
            self._progress, self._result = Progress(what, running=True), None
        future: Future[Result] = Future()
        threading.Thread(target=self._run, args=(what, work, future), daemon=True).start()
        return future

    def _run(self, what: str, work: Callable[[Watch], Result], future: Future[Result]) -> None:
        def watch(done: int, total: int) -> None:
            with self._lock:
                self._progress = Progress(what, done, total, running=True)

        failed, result = "", None
        error: Exception | None = None
        try:
            result = work(watch)
        except Exception as raised:  # whatever it is, the page must not wait for ever
            error = raised
            known = isinstance(raised, NerError)
            failed = str(raised) if known else f"{type(raised).__name__}: {raised}"
        with self._lock:
            done = self._progress
            self._progress = Progress(what, done.done, done.total, failed=failed)
            self._result = result
        if error:
            future.set_exception(error)
        else:
            future.set_result(result)  # type: ignore[arg-type]
