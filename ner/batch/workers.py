"""Who tags: this process, or several with a tagger each. One text that cannot be tagged costs only itself.

A process imports this module when it starts: what the module itself does not need is imported later.
"""

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor, ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from ner.article import Article, Rejected, Span
from ner.batch.tagging import tag_each
from ner.errors import NerError
from ner.tagger.light import without_torch

if TYPE_CHECKING:
    from ner.batch.ends import Part
    from ner.tagger.loading import Tagger

Found = list[list[Span] | NerError]
Batch = Sequence[Article | Rejected]


class Workers(Protocol):
    """Taggers that work side by side."""

    count: int

    def submit(self, texts: list[str]) -> Future[Found]:
        """Begin to tag texts."""
        ...

    def found(self, texts: list[str], future: Future[Found]) -> Found:
        """Wait for what was begun: the spans of each text, or why it could not be tagged."""
        ...


def tag_side_by_side(
    batches: "Iterable[tuple[Part, Batch]]", workers: Workers
) -> "Iterator[tuple[Part, Batch, Found]]":
    """Batches with what was found in their articles, in order; two for each worker are begun at a time."""
    waiting: deque[tuple[Part, Batch, list[str], Future[Found]]] = deque()

    def first() -> "tuple[Part, Batch, Found]":
        part, batch, texts, future = waiting.popleft()
        return part, batch, workers.found(texts, future)

    for part, batch in batches:
        texts = [item.text for item in batch if isinstance(item, Article)]
        waiting.append((part, batch, texts, workers.submit(texts)))
        if len(waiting) >= 2 * workers.count:
            yield first()
    while waiting:
        yield first()


class _Thread:
    """The tagger of this process, in a thread, so that reading and writing go on beside it."""

    count = 1

    def __init__(self, pool: ThreadPoolExecutor, tagger: "Tagger") -> None:
        self._pool = pool
        self._tagger = tagger

    def submit(self, texts: list[str]) -> Future[Found]:
        return self._pool.submit(tag_each, self._tagger, texts)

    def found(self, texts: list[str], future: Future[Found]) -> Found:
        return future.result()


@contextmanager
def this_process(tagger: "Tagger") -> Iterator[Workers]:
    """Tag in this process, with the threads of its tagger."""
    with ThreadPoolExecutor(1, "tagging") as pool:
        yield _Thread(pool, tagger)


class _Processes:
    """Processes that are started again when one of them dies."""

    def __init__(self, load: "Callable[[], Tagger]", count: int) -> None:
        self.count = count
        self._load = pickle.dumps(load)
        self._pool = self._start()

    def _start(self) -> ProcessPoolExecutor:
        # Not forked: onnxruntime's and the database's threads would be missing in the copy.
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self.count, context, _begin, (self._load,))

    def submit(self, texts: list[str]) -> Future[Found]:
        try:
            return self._pool.submit(_tag, texts)
        except BrokenProcessPool as error:
            broken: Future[Found] = Future()
            broken.set_exception(error)
            return broken

    def found(self, texts: list[str], future: Future[Found]) -> Found:
        """Tags again, each text alone, what was lost with a process that died."""
        try:
            return future.result()
        except BrokenProcessPool:
            return [self._alone(text) for text in texts]

    def _alone(self, text: str) -> list[Span] | NerError:
        for _ in range(2):  # it may have died of another text, or been killed by a person
            try:
                return self._pool.submit(_tag, [text]).result()[0]
            except BrokenProcessPool:
                self._restart()
        return NerError(
            "could not be tagged: the process that tagged it died, twice",
            remedy="has it memory enough? report it with the text",
        )

    def _restart(self) -> None:
        self._pool.shutdown()
        self._pool = self._start()
        try:
            self._pool.submit(_tag, []).result()
        except BrokenProcessPool:
            raise NerError(
                "processes that tag cannot be started",
                remedy="is there memory enough? fewer --workers take less",
            ) from None

    def close(self) -> None:
        self._pool.shutdown(cancel_futures=True)


@contextmanager
def processes(load: "Callable[[], Tagger]", count: int) -> Iterator[Workers]:
    """Tag in several processes.

    Args:
        load: gives each its tagger; it can be pickled.
    """
    workers = _Processes(load, count)
    try:
        yield workers
    finally:
        workers.close()


_tagger: "Tagger"  # of a worker process


def _begin(load: bytes) -> None:
    """What a worker does first: it ends with its parent, however that ends, and never before.

    Args:
        load: gives its tagger, pickled, so that what it needs is imported here.
    """
    global _tagger
    for number in (signal.SIGINT, signal.SIGTERM):  # a terminal and systemd send them to all
        signal.signal(number, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()
    with without_torch():
        _tagger = pickle.loads(load)()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _tag(texts: list[str]) -> Found:
    return tag_each(_tagger, texts)
