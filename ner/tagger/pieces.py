"""Text to the subword pieces of a pretrained encoder, with the piece that each code point falls into.

Unigram segmentation (Kudo 2018) as SentencePiece does it: the text is normalised, white space becomes
``▁``, one stands before the text, and of all ways to cut it the one whose pieces have the highest sum of
log-probabilities is taken.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.errors import NerError
from ner.tagger.features import CODE_POINTS, MAX_SPAN_LENGTH, Characters, Ids, pad, round_up

SPACE = "▁"
PIECE_PAD, PIECE_UNKNOWN, PIECE_FIRST, PIECE_LAST = 0, 1, 2, 3
PIECE_SPECIAL_IDS = 4  # ids below are no pieces
MAX_PLACE = 7  # the last place in a piece that is told apart; longer pieces repeat it
# SentencePiece's: an unknown character scores so much below the rarest piece.
_UNKNOWN_PENALTY = 10.0
_SPACE_POINT = ord(SPACE)

Ints = npt.NDArray[np.int32]


@dataclass(frozen=True)
class Segmented:
    """A text in pieces.

    Args:
        ids: of the pieces, without the special ones before and behind. Shape: ``(pieces,)``.
        piece: for every code point of the text the number of its piece. Shape: ``(len(text),)``.
        place: its place in that piece, 0 for the first, at most `MAX_PLACE`. Same shape.
    """

    ids: Ints
    piece: Ints
    place: Ints


@dataclass(frozen=True)
class PieceRow:
    """What a network over pieces is given of a text: the ids of its characters, and its pieces."""

    ids: Ids
    segmented: Segmented

    @classmethod
    def of(cls, text: str, characters: Characters, pieces: "Pieces") -> "PieceRow":
        """A text's row. Its pieces are those of its characters' rows: traditional ones read as simplified."""
        return cls(characters.encode(text), pieces.encode(characters.fold(text)))

    def inputs(self) -> dict[str, Ints]:
        """The arrays of `pretrained_encoder.PieceNetwork`, of this text alone."""
        length = round_up(len(self.ids), MAX_SPAN_LENGTH)
        arrays = (pad([self.ids], length), *stack([self], length))
        return {name: array[0] for name, array in zip(("ids", "pieces", "piece", "place"), arrays)}


def stack(rows: Sequence[PieceRow], length: int) -> tuple[Ints, Ints, Ints]:
    """What `pretrained_encoder.PieceNetwork` takes after the ids of the characters.

    Args:
        length: what the characters are padded to.
    """
    segmented = [row.segmented for row in rows]
    pieces = pad(
        (np.concatenate(([PIECE_FIRST], each.ids, [PIECE_LAST])) for each in segmented),
        max(len(each.ids) for each in segmented) + 2,
    )
    return (
        pieces,
        pad((each.piece + 1 for each in segmented), length),
        pad((each.place for each in segmented), length),
    )


@dataclass(frozen=True)
class Pieces:
    """A unigram vocabulary and the normalisation that goes before it.

    Args:
        pieces: the strings; ``pieces[k]`` has the id ``k + PIECE_SPECIAL_IDS``.
        scores: their log-probabilities.
        normalised: characters that stand for others, and what they stand for (perhaps nothing).
    """

    pieces: Sequence[str]
    scores: Sequence[float]
    normalised: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.pieces) + PIECE_SPECIAL_IDS

    @classmethod
    def from_bytes(cls, data: bytes) -> "Pieces":
        """Read what `to_bytes` wrote.

        Raises:
            NerError: it is damaged.
        """
        try:
            values: Any = json.loads(data)
            pieces, scores, normalised = (
                values[name] for name in ("pieces", "scores", "normalised")
            )
            scores = [float(score) for score in scores]
            if len(pieces) != len(scores) or not all(map(len, pieces)):
                raise ValueError("every piece has a score, and none is empty")
            if any(len(character) != 1 for character in normalised):
                raise ValueError("only single characters are normalised")
            return cls(tuple(pieces), tuple(scores), normalised)
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise NerError(
                f"cannot read the pieces: {error}", remedy="install the model again"
            ) from None

    def to_bytes(self) -> bytes:
        """The form that `from_bytes` reads: JSON, in ASCII."""
        values = {
            "pieces": list(self.pieces),
            "scores": list(self.scores),
            "normalised": dict(self.normalised),
        }
        return json.dumps(values, indent=0).encode()

    def encode(self, text: str) -> Segmented:
        """Cut a text into pieces. Any string goes, surrogates and the empty one too."""
        points, origin = self._normalise(text)
        lengths, ids = self._best_cut(points.tobytes().decode("utf-32-le", "surrogatepass"))
        piece_of = np.repeat(np.arange(len(ids), dtype=np.int32), lengths)
        begins = np.cumsum(lengths) - lengths
        piece = piece_of[origin]
        place = np.clip(origin - begins[piece], 0, MAX_PLACE).astype(np.int32)
        return Segmented(np.array(ids, np.int32), piece, place)

    def _normalise(self, text: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
        """The normalised text's code points, and for each of the text's where it stands among them."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        lengths, first, longer = self._tables
        counts = lengths[points]
        begin = np.cumsum(counts, dtype=np.int64) - counts + 1  # the ▁ before the text is the 0th
        new = np.empty(int(counts.sum()) + 1, np.uint32)
        new[0] = _SPACE_POINT
        kept = counts > 0
        new[begin[kept]] = first[points[kept]]
        for k in np.flatnonzero(counts > 1):
            expansion = longer[int(points[k])]
            new[begin[k] : begin[k] + len(expansion)] = expansion
        begin[~kept] -= 1  # what stands for nothing belongs to what goes before it
        # One ▁ for white space in a row.
        space = new == _SPACE_POINT
        single = np.ones(len(new), bool)
        single[1:] = ~(space[1:] & space[:-1])
        return new[single], (np.cumsum(single) - 1)[begin]

    def _best_cut(self, text: str) -> tuple[list[int], list[int]]:
        """Viterbi's way through the pieces: their lengths and their ids."""
        known, longest, unknown = self._known, self._longest, self._unknown_score
        end_of = len(text)
        best = [0.0] + [-1e30] * end_of
        length_to = [0] * (end_of + 1)
        id_to = [PIECE_UNKNOWN] * (end_of + 1)
        for at in range(end_of):
            here = best[at]
            score = here + unknown
            if score > best[at + 1]:
                best[at + 1], length_to[at + 1], id_to[at + 1] = score, 1, PIECE_UNKNOWN
            for end in range(at + 1, min(at + longest.get(text[at], 0), end_of) + 1):
                entry = known.get(text[at:end])
                if entry is not None:
                    score = here + entry[0]
                    if score > best[end]:
                        best[end], length_to[end], id_to[end] = score, end - at, entry[1]
        lengths, ids = [], []
        at = end_of
        while at:
            lengths.append(length_to[at])
            ids.append(id_to[at])
            at -= length_to[at]
        return lengths[::-1], ids[::-1]

    @cached_property
    def _known(self) -> dict[str, tuple[float, int]]:
        scored = zip(self.pieces, self.scores)
        return {
            piece: (score, number)
            for number, (piece, score) in enumerate(scored, PIECE_SPECIAL_IDS)
        }

    @cached_property
    def _longest(self) -> dict[str, int]:
        """By first character, the length of the longest piece."""
        longest: dict[str, int] = {}
        for piece in self.pieces:
            longest[piece[0]] = max(longest.get(piece[0], 0), len(piece))
        return longest

    @cached_property
    def _unknown_score(self) -> float:
        return min(self.scores, default=0.0) - _UNKNOWN_PENALTY

    @cached_property
    def _tables(self) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint32], dict[int, Ints]]:
        """By code point: how long it is normalised, and the first of that; and those longer than one."""
        lengths = np.ones(CODE_POINTS, np.uint8)
        first = np.arange(CODE_POINTS, dtype=np.uint32)
        longer = {}
        for character, instead in {**self.normalised, " ": SPACE}.items():
            new = [ord(c) if c != " " else _SPACE_POINT for c in instead]
            lengths[ord(character)] = len(new)
            first[ord(character)] = new[0] if new else 0
            if len(new) > 1:
                longer[ord(character)] = np.array(new, np.int32)
        return lengths, first, longer
