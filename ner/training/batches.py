"""Examples to the arrays of training steps: varied, cut into windows, of like length."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

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
    pad,
    round_up,
    windows,
)
from ner.training import augment
from ner.training.network import band_mask

_SPACES = 0.01  # of the characters of an article that gets any


def share(examples: Sequence[Example], part: float, rng: np.random.Generator) -> Iterator[Example]:
    """A random part of the examples, 0 to 1."""
    for k in rng.permutation(len(examples))[: int(len(examples) * part)]:
        yield examples[k]


def varied(
    examples: Iterable[Example],
    names: augment.Names,
    rng: np.random.Generator,
    *,
    swaps: float,
    cut: float,
    blemished: float,
) -> Iterator[Example]:
    """The examples with a share of their names swapped, and some cut, with stray spaces or straight quotes.

    Only what is known whole can be cut.
    """
    for example in examples:
        example = augment.swapped(example, names, swaps, rng)
        if cut and rng.random() < cut:
            example = augment.cut(example, rng)
        if rng.random() < blemished:
            example = augment.spaced(example, _SPACES, rng)
        if rng.random() < blemished:
            example = augment.straight(example)
        yield example


@dataclass(frozen=True)
class Batch:
    """Arrays of one step.

    Args:
        ids: ``(batch, length)``.
        gold: 0 or 1, shaped like the network's scores.
        known: True where gold is known, shaped the same.
        characters: how many, padding not counted.
    """

    ids: Tensor
    gold: Tensor
    known: Tensor
    characters: int


@dataclass(frozen=True)
class _Piece:
    """A window of an example: its ids, its spans, and where what is known of it begins and ends."""

    ids: Any
    spans: tuple[Span, ...]
    core: tuple[int, int]
    known: tuple[int, int] | None


def make_batches(
    examples: Sequence[Example],
    characters: Characters,
    rng: np.random.Generator,
    *,
    labels: Sequence[str],
    size: int,
    unknown: float,
) -> Sequence[Batch]:
    """Windows of the examples in batches of like length, in random order.

    A batch's arrays are made when it is asked for: those of millions of characters fill no memory.

    Args:
        labels: of the score planes, in order.
        size: code points a batch, about.
        unknown: share of characters shown as unknown.
    """
    pieces = [piece for example in examples for piece in _pieces(example, characters)]
    pieces = [pieces[k] for k in rng.permutation(len(pieces))]
    pieces.sort(
        key=lambda piece: round_up(len(piece.ids), MAX_SPAN_LENGTH)
    )  # stable: random within a length
    groups, first = [], 0
    while first < len(pieces):
        end = first + 1
        # Its longest piece, the last to come in, decides how much padding a batch has.
        while end < len(pieces) and (
            (end + 1 - first) * round_up(len(pieces[end].ids), MAX_SPAN_LENGTH) <= size
        ):
            end += 1
        groups.append(pieces[first:end])
        first = end
    groups = [groups[k] for k in rng.permutation(len(groups))]
    return _Batches(groups, tuple(labels), unknown, rng)


@dataclass(frozen=True)
class _Batches(Sequence[Batch]):
    groups: Sequence[Sequence["_Piece"]]
    labels: tuple[str, ...]
    unknown: float
    rng: np.random.Generator

    def __len__(self) -> int:
        return len(self.groups)

    def __getitem__(self, k: Any) -> Any:
        return _batch(self.groups[k], self.labels, self.unknown, self.rng)


def _pieces(example: Example, characters: Characters) -> Iterator[_Piece]:
    ids = characters.encode(example.text)
    for w in windows(example.text, core=256, context=64):
        spans = tuple(
            Span(s.start - w.start, s.end - w.start, s.label)
            for s in example.spans
            if w.core_start <= s.start < w.core_end
            and s.end <= w.end
            and s.end - s.start <= MAX_SPAN_LENGTH
        )
        core = (w.core_start - w.start, w.core_end - w.start)
        known = example.known and (example.known[0] - w.start, example.known[1] - w.start)
        yield _Piece(ids[w.start : w.end], spans, core, known)


def _batch(
    pieces: Sequence[_Piece], labels: tuple[str, ...], unknown: float, rng: np.random.Generator
) -> Batch:
    length = round_up(max(len(piece.ids) for piece in pieces), MAX_SPAN_LENGTH)
    ids = pad([piece.ids for piece in pieces], length)
    mask = band_mask(torch.from_numpy(ids))
    hidden = (rng.random(ids.shape) < unknown) & (ids >= SPECIAL_IDS)
    gold = np.zeros(
        (len(pieces), length // MAX_SPAN_LENGTH, len(labels), MAX_SPAN_LENGTH, 2 * MAX_SPAN_LENGTH),
        np.float32,
    )
    known = np.zeros(gold.shape, bool)
    places = np.arange(length).reshape(-1, MAX_SPAN_LENGTH)
    firsts = places[:, :, None]
    lasts = places[:, :1, None] + np.arange(2 * MAX_SPAN_LENGTH)[None, None, :]
    for row, piece in enumerate(pieces):
        for span in piece.spans:
            block, start = divmod(span.start, MAX_SPAN_LENGTH)
            gold[
                row, block, labels.index(span.label), start, span.end - 1 - block * MAX_SPAN_LENGTH
            ] = 1
        low, high = piece.core
        if piece.known is None:
            known[row] = ((firsts >= low) & (firsts < high))[:, None]
        else:
            low, high = piece.known
            known[row, :, labels.index("BRAND")] = (firsts < high) & (lasts >= low)
    ids[hidden] = UNKNOWN
    characters = sum(len(piece.ids) for piece in pieces)
    known_spans = torch.from_numpy(known) & mask
    return Batch(torch.from_numpy(ids), torch.from_numpy(gold), known_spans, characters)
