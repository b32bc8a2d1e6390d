"""Examples to the arrays of training steps: cut into windows, batches of similar length."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np
import torch
from torch import Tensor

from ner.article import Span
from ner.corpus import Example
from ner.tagger.features import (
    MAX_SPAN_LENGTH,
    SPECIAL_IDS,
    UNKNOWN,
    Characters,
    Ids,
    pad,
    round_up,
    windows,
)
from ner.tagger.pieces import PIECE_SPECIAL_IDS, PIECE_UNKNOWN, PieceRow, Pieces, stack
from ner.training.network import span_mask


@dataclass(frozen=True)
class Batch:
    """Arrays of one step.

    Args:
        ids: ``(batch, length)``.
        pieces: of a network over pieces the arrays that it takes after the ids.
        gold: 0 to 1, shaped like the network's scores, see `network.SpanHead`.
        mask: True where gold is known, shaped the same; False on padding.
        characters: how many, padding not counted.
    """

    ids: Tensor
    pieces: tuple[Tensor, ...]
    gold: Tensor
    mask: Tensor
    characters: int


@dataclass(frozen=True)
class _WindowExample:
    """A window of an example: its ids, its spans, its core and the known region in its own offsets.

    ``row`` has its pieces too where the network takes any.
    """

    ids: Ids
    row: PieceRow | None
    spans: tuple[Span, ...]
    core: tuple[int, int]
    known: tuple[int, int] | None


@dataclass(frozen=True)
class Batches(Sequence[Batch]):
    """Batches whose arrays are made when asked for, since all of them would not fit into memory.

    Batch k is the same each time and in each process: its random numbers depend on `seed` and k only.
    """

    groups: Sequence[Sequence[_WindowExample]]
    labels: tuple[str, ...]
    unknown: float
    seed: int

    def __len__(self) -> int:
        return len(self.groups)

    @overload
    def __getitem__(self, k: int) -> Batch: ...

    @overload
    def __getitem__(self, k: slice) -> Sequence[Batch]: ...

    def __getitem__(self, k: int | slice) -> Batch | Sequence[Batch]:
        if isinstance(k, slice):
            return [self[each] for each in range(*k.indices(len(self)))]
        rng = np.random.default_rng((self.seed, range(len(self))[k]))
        return _make_batch(self.groups[k], self.labels, self.unknown, rng)


def make_batches(
    examples: Sequence[Example],
    characters: Characters,
    rng: np.random.Generator,
    *,
    labels: Sequence[str],
    size: int,
    unknown: float,
    pieces: Pieces | None = None,
) -> Batches:
    """Windows of the examples in batches of similar length, in random order.

    Args:
        labels: in the order of the network's score planes.
        size: code points per batch, about.
        unknown: fraction of characters, and of pieces, shown as unknown.
        pieces: those of a network over pieces; windows are then longer, up to what it can see.
    """
    parts = [part for example in examples for part in _windows_of(example, characters, pieces)]
    parts = [parts[k] for k in rng.permutation(len(parts))]
    # Stable: random within a length.
    parts.sort(key=lambda part: round_up(len(part.ids), MAX_SPAN_LENGTH))
    groups, first = [], 0
    while first < len(parts):
        end = first + 1
        # The longest window of a batch, its last, decides how much padding the batch has.
        while end < len(parts) and (
            (end + 1 - first) * round_up(len(parts[end].ids), MAX_SPAN_LENGTH) <= size
        ):
            end += 1
        groups.append(parts[first:end])
        first = end
    groups = [groups[k] for k in rng.permutation(len(groups))]
    return Batches(groups, tuple(labels), unknown, int(rng.integers(2**63)))


def _windows_of(
    example: Example, characters: Characters, pieces: Pieces | None
) -> Iterator[_WindowExample]:
    core, context = (440, 32) if pieces else (256, 64)
    for w in windows(example.text, core=core, context=context):
        text = example.text[w.start : w.end]
        row = PieceRow.of(text, characters, pieces) if pieces else None
        ids = row.ids if row else characters.encode(text)
        spans = tuple(
            Span(s.start - w.start, s.end - w.start, s.label, s.score)
            for s in example.spans
            if w.core_start <= s.start < w.core_end
            and s.end <= w.end
            and s.end - s.start <= MAX_SPAN_LENGTH
        )
        region = (w.core_start - w.start, w.core_end - w.start)
        known = example.known and (example.known[0] - w.start, example.known[1] - w.start)
        yield _WindowExample(ids, row, spans, region, known)


def _make_batch(
    parts: Sequence[_WindowExample],
    labels: tuple[str, ...],
    unknown: float,
    rng: np.random.Generator,
) -> Batch:
    length = round_up(max(len(part.ids) for part in parts), MAX_SPAN_LENGTH)
    ids = pad([part.ids for part in parts], length)
    valid = span_mask(torch.from_numpy(ids))
    hidden = (rng.random(ids.shape) < unknown) & (ids >= SPECIAL_IDS)
    gold = np.zeros(
        (len(parts), length // MAX_SPAN_LENGTH, len(labels), MAX_SPAN_LENGTH, 2 * MAX_SPAN_LENGTH),
        np.float32,
    )
    known = np.zeros(gold.shape, bool)
    positions = np.arange(length).reshape(-1, MAX_SPAN_LENGTH)
    starts = positions[:, :, None]
    lasts = positions[:, :1, None] + np.arange(2 * MAX_SPAN_LENGTH)[None, None, :]
    for row, part in enumerate(parts):
        for span in part.spans:
            block, start = divmod(span.start, MAX_SPAN_LENGTH)
            gold[
                row, block, labels.index(span.label), start, span.end - 1 - block * MAX_SPAN_LENGTH
            ] = span.score
        if part.known is None:  # every span that starts in the core
            low, high = part.core
            known[row] = ((starts >= low) & (starts < high))[:, None]
        else:  # every span that overlaps the quoted string, as a BRAND
            low, high = part.known
            known[row, :, labels.index("BRAND")] = (starts < high) & (lasts >= low)
    ids[hidden] = UNKNOWN
    arrays = _piece_arrays([part.row for part in parts if part.row], length, unknown, rng)
    characters = sum(len(part.ids) for part in parts)
    mask = torch.from_numpy(known) & valid
    return Batch(torch.from_numpy(ids), arrays, torch.from_numpy(gold), mask, characters)


def _piece_arrays(
    rows: Sequence[PieceRow], length: int, unknown: float, rng: np.random.Generator
) -> tuple[Tensor, ...]:
    """What `stack` gives, with pieces hidden; nothing where there are no pieces."""
    if not rows:
        return ()
    ids, piece, place = stack(rows, length)
    ids[(rng.random(ids.shape) < unknown) & (ids >= PIECE_SPECIAL_IDS)] = PIECE_UNKNOWN
    return tuple(torch.from_numpy(each) for each in (ids, piece, place))
