"""Text to integer arrays: the one path that training and tagging share.

A character table gives each character a row. Characters that print differently but read the same
share a row (``，`` and ``,``; traditional and simplified), so the network cannot tell them apart and
half-width or traditional pages cost nothing. Arrays are as long as the text: one row a code point.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from ner.errors import NerError, at

PAD, UNKNOWN, MASK = 0, 1, 2
SPECIAL_IDS = 3  # ids below stand for no character
MAX_SPAN_LENGTH = 32  # the longest span; the network scores starts in blocks of so many
CODE_POINTS = 0x110000
_ESCAPE = re.compile(r"\\u[0-9a-f]{4}|\\U00(?:0[0-9a-f]|10)[0-9a-f]{4}")

Ids = npt.NDArray[np.int32]
Number = TypeVar("Number", int, npt.NDArray[np.int32])


@dataclass(frozen=True)
class Characters:
    """The character table: ``rows[k]`` is the string of characters that share id ``k + 3``."""

    rows: tuple[str, ...]

    @cached_property
    def _row_of(self) -> npt.NDArray[np.int32]:
        table = np.full(CODE_POINTS, UNKNOWN, np.int32)
        for row, characters in enumerate(self.rows, SPECIAL_IDS):
            for character in characters:
                table[ord(character)] = row
        return table

    def __len__(self) -> int:
        return len(self.rows) + SPECIAL_IDS

    def encode(self, text: str) -> Ids:
        """Rows of a text. Shape: ``(len(text),)``."""
        points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
        return self._row_of[points]

    @cached_property
    def _folds(self) -> dict[int, str]:
        return {ord(other): row[0] for row in self.rows for other in row[1:]}

    def fold(self, text: str) -> str:
        """A text with the first character of its row for each: 渝北區 as 渝北区. As long as the text."""
        return text.translate(self._folds)

    @classmethod
    def from_bytes(cls, data: bytes) -> "Characters":
        """Read a table: one row a line, as ``\\uXXXX`` escapes where a character does not print.

        Raises:
            NerError: it is not UTF-8, or holds a character twice.
        """
        try:
            lines = data.decode("utf-8").split("\n")
        except UnicodeDecodeError as error:
            raise NerError(
                f"cannot read the character table: {error}", remedy="install the model again"
            ) from None
        rows = tuple(
            _ESCAPE.sub(lambda match: chr(int(match[0][2:], 16)), line) for line in lines if line
        )
        joined = "".join(rows)
        if len(set(joined)) != len(joined):
            raise NerError("a character is in two rows of the character table")
        return cls(rows)

    def to_bytes(self) -> bytes:
        """The form that `from_bytes` reads."""
        lines = (
            "".join(c if c.isprintable() and c not in " \\" else _escape(c) for c in row)
            for row in self.rows
        )
        return ("\n".join(lines) + "\n").encode()

    @classmethod
    def read(cls, path: Path) -> "Characters":
        """Read a table's file, see `from_bytes`.

        Raises:
            NerError: it is missing or damaged.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise NerError(f"cannot read the character table: {error}", where=str(path)) from None
        with at(str(path)):
            return cls.from_bytes(data)

    def write(self, path: Path) -> None:
        """Write the table in the form that `read` reads."""
        path.write_bytes(self.to_bytes())


def _escape(character: str) -> str:
    point = ord(character)
    return f"\\u{point:04x}" if point < 0x10000 else f"\\U{point:08x}"


@dataclass(frozen=True, slots=True)
class Window:
    """A stretch of a text that the network sees at once.

    It sees ``start:end`` and answers for the spans that start in ``core_start:core_end``; the cores
    of a text's windows tile it.
    """

    start: int
    end: int
    core_start: int
    core_end: int


def windows(text: str, *, core: int, context: int) -> Iterator[Window]:
    """Cut a text into windows whose cores end at sentence ends where there are any.

    Args:
        core: the most code points a window answers for.
        context: code points it sees on either side, within the text.
    """
    start = 0
    while start < len(text):
        end = min(start + core, len(text))
        if end < len(text):
            end = _sentence_end(text, start + core // 2, end) or end
        yield Window(max(0, start - context), min(len(text), end + context), start, end)
        start = end


def _sentence_end(text: str, low: int, high: int) -> int:
    """One past the last sentence end in ``low:high``, a line end before all else; 0 if none."""
    for marks in ("\n", "。！？!?；;", "，,、"):
        cut = max(text.rfind(mark, low, high) for mark in marks)
        if cut >= 0:
            return cut + 1
    return 0


def round_up(length: Number, multiple: int) -> Number:
    """The least multiple that is not less than the length."""
    return -(-length // multiple) * multiple


def pad(rows: Iterable[Ids], length: int) -> Ids:
    """Stack rows into one array filled up with `PAD`. Shape: ``(rows, length)``."""
    rows = list(rows)
    batch = np.full((len(rows), length), PAD, np.int32)
    for row, ids in enumerate(rows):
        batch[row, : len(ids)] = ids
    return batch


def pack(rows: Sequence[Ids]) -> tuple[Ids, Ids, Ids, Ids]:
    """Rows end to end, each filled up with `PAD` to a multiple of `MAX_SPAN_LENGTH`.

    Returns:
        All their ids, and for each the place where its row begins and one past where it ends (both its
        own place on padding), shape ``(packed,)``; and where each row begins, shape ``(rows,)``.
    """
    lengths = np.array([len(row) for row in rows], np.int32)
    padded = round_up(lengths, MAX_SPAN_LENGTH)
    begin = np.concatenate(([0], np.cumsum(padded)[:-1])).astype(np.int32)
    ids = np.full(padded.sum(), PAD, np.int32)
    first = np.arange(len(ids), dtype=np.int32)
    end = first.copy()
    for row, place in zip(rows, begin):
        ids[place : place + len(row)] = row
        first[place : place + len(row)] = place
        end[place : place + len(row)] = place + len(row)
    return ids, first, end, begin
