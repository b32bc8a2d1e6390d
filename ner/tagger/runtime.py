"""A network on onnxruntime: a session and threads in every process that runs it, made at first use.

Neither survives a fork, and neither can be pickled: what moves between processes is the network.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from ner.errors import NerError, first_line
from ner.tagger.features import MAX_SPAN_LENGTH, Ids, pack, pad, round_up
from ner.tagger.pieces import PieceRow

# It would send usage figures to Microsoft, and complains where there is no home to keep a device ID in.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
import onnxruntime

Places = npt.NDArray[np.int64]
Logits = npt.NDArray[np.float32]

Candidates = Callable[[Sequence[Any], Logits], tuple[Places, Logits]]
"""Rows of ids (of a network over pieces: of `PieceRow`), and for each label the lowest logit looked at,
to the places ``(4, found)`` and logits ``(found,)`` of the spans above it.

The rows of places: number of the row, label, first character, last character. Spans that run over
their row's end may be among them.
"""

_FIRST, _MOST = 4096, 65536  # code points in the first and the largest group of `by_characters`

Item = TypeVar("Item")
Job = TypeVar("Job")
Result = TypeVar("Result")


@dataclass(frozen=True)
class _Process:
    """What one process runs the network with; no pool where one thread is enough."""

    session: Any
    pool: ThreadPoolExecutor | None


class Runtime:
    """Runs a network, and functions that call it side by side.

    Args:
        network: an ONNX file's bytes.
        threads: how many run side by side; 0 for as many as there are processors.

    Raises:
        NerError: onnxruntime cannot read the network.
    """

    def __init__(self, network: bytes, threads: int = 0) -> None:
        self.network = network
        self.threads = threads or processors()
        # By process id. A forked process leaves its parent's alone: closing a session may wait for a
        # lock that some thread held when the process was forked.
        self._processes: dict[int, _Process] = {}
        self._here()

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_processes": {}}

    def _here(self) -> _Process:
        if os.getpid() not in self._processes:
            threads = self.threads
            pool = ThreadPoolExecutor(threads, "tagging") if threads > 1 else None
            self._processes[os.getpid()] = _Process(_session(self.network), pool)
        return self._processes[os.getpid()]

    def candidates(self, rows: Sequence[Any], floors: Logits) -> tuple[Places, Logits]:
        """What the network finds, see `Candidates`."""
        session = self._here().session
        inputs = {each.name for each in session.get_inputs()}
        if "pieces" in inputs:
            return _run_pieces(session, rows, floors)
        run = _run_packed if "first" in inputs else _run_padded
        return run(session, rows, floors)

    def map(self, function: Callable[[Job], Result], jobs: Iterable[Job]) -> Iterator[Result]:
        """Results in order; jobs are taken no further ahead than keeps the threads busy."""
        pool = self._here().pool
        if pool is None:
            yield from map(function, jobs)
            return
        ahead: deque[Future[Result]] = deque()
        try:
            for job in jobs:
                ahead.append(pool.submit(function, job))
                while ahead and (len(ahead) > 4 * self.threads or ahead[0].done()):
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()
        finally:
            for future in ahead:
                future.cancel()


def by_characters(items: Iterable[Item], length: Callable[[Item], int]) -> Iterator[list[Item]]:
    """Items in groups bounded by their code points: small at first, so that the first answer comes early.

    Only an item that is longer itself makes a group longer.
    """
    group: list[Item] = []
    held, most = 0, _FIRST
    for item in items:
        group.append(item)
        held += length(item) + 16  # so that empty ones count too
        if held >= most:
            yield group
            group, held, most = [], 0, min(2 * most, _MOST)
    if group:
        yield group


def processors() -> int:
    """How many processors this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def _session(network: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    # One thread a batch and batches side by side: a tenth faster than all threads on each.
    options.intra_op_num_threads = 1
    try:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's own exceptions share no base class
        raise NerError(
            f"the network cannot be read: {first_line(error)}",
            remedy="the model is damaged; install it again",
        ) from None


def _run_packed(session: Any, rows: Sequence[Ids], floors: Logits) -> tuple[Places, Logits]:
    ids, first, end, begin = pack(rows)
    inputs = {"ids": ids, "first": first, "end": end, "floors": floors}
    (label, start, last), logits = session.run(None, inputs)
    row = np.searchsorted(begin, start, side="right") - 1
    return np.stack((row, label, start - begin[row], last - begin[row])), logits


def _run_pieces(session: Any, rows: Sequence[PieceRow], floors: Logits) -> tuple[Places, Logits]:
    """A row at a time: its numbers then depend on nothing else, and none are spent on padding."""
    found = []
    for number, row in enumerate(rows):
        places, logits = session.run(None, {**row.inputs(), "floors": floors})
        found.append((np.insert(places, 0, number, axis=0), logits))
    return _joined(found)


def _run_padded(session: Any, rows: Sequence[Ids], floors: Logits) -> tuple[Places, Logits]:
    """For encoders whose numbers depend on how far a batch is padded: a row at a time."""
    found = []
    for number, row in enumerate(rows):
        ids = pad([row], round_up(len(row), MAX_SPAN_LENGTH))
        places, logits = session.run(None, {"ids": ids, "floors": floors})
        places[0] = number
        found.append((places, logits))
    return _joined(found)


def _joined(found: Sequence[tuple[Places, Logits]]) -> tuple[Places, Logits]:
    places, logits = zip(*found)
    return np.concatenate(places, axis=1), np.concatenate(logits)
