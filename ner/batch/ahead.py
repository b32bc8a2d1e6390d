"""An iterator that runs in a thread of its own, a little ahead of whoever takes from it."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from queue import Empty, Full, Queue
from threading import Event, Thread
from typing import Any, TypeVar

Each = TypeVar("Each")

_TICK = 0.1  # seconds after which a thread that waits looks whether it is still wanted
_END = object()


@contextmanager
def ahead(items: Iterable[Each], size: int) -> Iterator[Iterator[Each]]:
    """Take items in another thread, at most `size` of them before they are asked for.

    An error of theirs is raised where they are taken. When the block ends, the thread does, after the item
    that it is at.
    """
    queue: Queue[Any] = Queue(size)
    is_over = Event()

    def put(value: object) -> None:
        while not is_over.is_set():
            try:
                return queue.put(value, timeout=_TICK)
            except Full:
                continue

    def work() -> None:
        try:
            for item in items:
                put((item, None))
                if is_over.is_set():
                    break
            put((_END, None))
        except BaseException as error:
            put((_END, error))

    thread = Thread(target=work, name="ahead", daemon=True)

    def taken() -> Iterator[Each]:
        while True:
            try:
                item, error = queue.get(timeout=_TICK)
            except Empty:  # waiting for ever, Python would not see a signal
                continue
            if error is not None:
                raise error
            if item is _END:
                return
            yield item

    thread.start()
    try:
        yield taken()
    finally:
        is_over.set()
        thread.join()
