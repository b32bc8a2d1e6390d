"""Texts cut into windows, windows run in batches, and what was found put together text by text."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ner.tagger.decode import Found
from ner.tagger.features import MAX_SPAN_LENGTH, Window, windows
from ner.tagger.runtime import Candidates, Logits
from ner.tagger.settings import Settings

_BATCH_CHARACTERS = 2048  # what a batch of windows holds: its arrays stay in the processor's cache


@dataclass(frozen=True)
class Network:
    """A network and what it is run with.

    Args:
        floors: for each label the lowest logit looked at.
        encode: a text as one of the rows that ``candidates`` takes.
    """

    candidates: Candidates
    floors: Logits
    encode: Callable[[str], Any]
    settings: Settings


@dataclass(slots=True)
class _Text:
    """A text on its way: how many of its windows are left to run, and what was found in the others."""

    string: str
    left: int
    found: list[Found] = field(default_factory=list)


_Job = tuple[_Text, Window]


def search(
    texts: Iterable[str], network: Network, side_by_side: Callable[..., Iterator[Any]] = map
) -> Iterator[tuple[str, list[Found]]]:
    """Each text with the spans above the floors, found window by window.

    Args:
        texts: read no further ahead than `side_by_side` reads.
        side_by_side: `map`, or one like it that runs several batches at once.
    """
    waiting: deque[_Text] = deque()

    def jobs() -> Iterator[_Job]:
        for string in texts:
            cut = list(windows(string, core=settings.core, context=settings.context))
            text = _Text(string, len(cut))
            waiting.append(text)
            yield from ((text, window) for window in cut)

    def run(batch: Sequence[_Job]) -> list[tuple[_Text, list[Found]]]:
        return _run(batch, network)

    settings = network.settings
    for batch in side_by_side(run, _batches(jobs())):
        for text, found in batch:
            text.found += found
            text.left -= 1
        while waiting and not waiting[0].left:
            done = waiting.popleft()
            yield done.string, done.found
    yield from ((text.string, text.found) for text in waiting)


def _run(jobs: Sequence[_Job], network: Network) -> list[tuple[_Text, list[Found]]]:
    """For each window its text, and what the window answers for, at its place there."""
    rows = [network.encode(text.string[w.start : w.end]) for text, w in jobs]
    places, logits = network.candidates(rows, network.floors)
    row, label, start, last = places
    begin, end, low, high = np.array(
        [(w.start, w.end, w.core_start, w.core_end) for _, w in jobs]
    ).T[:, row]
    starts, ends = begin + start, begin + last + 1
    # Longer spans have scores too, but training never sees any.
    meant = (starts < ends) & (ends <= starts + MAX_SPAN_LENGTH)
    answered = meant & (ends <= end) & (starts >= low) & (starts < high)
    spans: list[tuple[_Text, list[Found]]] = [(text, []) for text, _ in jobs]
    for k in np.flatnonzero(answered):
        found = (int(starts[k]), int(ends[k]), int(label[k]), float(logits[k]))
        spans[row[k]][1].append(found)
    return spans


def _batches(jobs: Iterable[_Job]) -> Iterator[list[_Job]]:
    batch: list[_Job] = []
    held = 0
    for job in jobs:
        batch.append(job)
        held += job[1].end - job[1].start
        if held >= _BATCH_CHARACTERS:
            yield batch
            batch, held = [], 0
    if batch:
        yield batch
