"""China's divisions down to the village, in one file of 10 MB that is mapped into memory, not read.

A division is an entry: its name is a stem and a suffix (see `ner.places.names`), its code says where it
belongs, since it begins with its parent's. Entries are in the order of their stems, stems in the order of
their hashes (CRC-32), so that a stem's entries are one range and a look-up is one search in sorted numbers.
"""

import json
import mmap
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from ner.errors import NerError
from ner.files import package_data

MAGIC = b"ner places 1\n"
HEADER = 16384  # bytes: the magic line and a JSON object, filled up with blanks
ALIGNMENT = 8
VILLAGE_BITS = 10  # the village's number within its town: up to 999 in use
SECTIONS: dict[str, np.dtype[Any]] = {
    "hashes": np.dtype("<u4"),  # a stem: CRC-32 of its UTF-8
    "firsts": np.dtype("<u4"),  # a stem, and one past the last: its first entry
    "places": np.dtype("<u4"),  # a stem, and one past the last: where its text begins
    "text": np.dtype("<u4"),  # code points, the stems end to end
    "nodes": np.dtype("<u4"),  # an entry: upper << VILLAGE_BITS | village
    "suffixes": np.dtype("<u2"),  # an entry: which of the header's suffixes
    "uppers": np.dtype("<i8"),  # a division above the village: its code, sorted
    "entries": np.dtype("<u4"),  # the same: its entry
}
CODE_LENGTHS = (2, 4, 6, 9, 12)  # of a province, city, county, town and village
_EMPTY: tuple["Division", ...] = ()


@dataclass(frozen=True, slots=True)
class Division:
    """A province, city, county, town or village.

    Args:
        code: of the National Bureau of Statistics, 2, 4, 6, 9 or 12 digits by level; a parent's is its
            beginning.
        level: 0 province to 4 village.
    """

    code: str
    stem: str
    suffix: str

    @property
    def name(self) -> str:
        """The official name."""
        return self.stem + self.suffix

    @property
    def level(self) -> int:
        """0 for a province to 4 for a village."""
        return CODE_LENGTHS.index(len(self.code))


def parents(code: str) -> Iterator[str]:
    """The codes of the divisions that hold one, the province first; not itself."""
    return (code[:length] for length in CODE_LENGTHS if length < len(code))


def stem_hash(stem: str) -> int:
    """What stems are sorted by."""
    return zlib.crc32(stem.encode("utf-8", "surrogatepass"))


class Lexicon:
    """An open lexicon.

    Raises:
        NerError: the file is missing, damaged, or made by another version.
    """

    def __init__(self, path: Path) -> None:
        try:
            with path.open("rb") as file:
                self._map = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (OSError, ValueError) as error:
            raise _damaged(path, f"cannot be read: {error}") from None
        header = _header(self._map[:HEADER], path)
        self.year: int = header["year"]
        self._suffixes: list[str] = header["suffixes"]
        self._arrays: dict[str, npt.NDArray[Any]] = {}
        place = HEADER
        for name, dtype in SECTIONS.items():
            count = header["counts"][name]
            if place + count * dtype.itemsize > len(self._map):
                raise _damaged(path, "is cut short")
            self._arrays[name] = np.frombuffer(self._map, dtype, count, place)
            place += -(-count * dtype.itemsize // ALIGNMENT) * ALIGNMENT
        self.find: Callable[[str], tuple[Division, ...]] = lru_cache(maxsize=65536)(self._find)
        """The divisions with a stem, in the order of their codes; remembered."""
        self.upper: Callable[[str], Division | None] = cache(self.get)
        """The division with a code, one above the village: all of these are remembered."""

    def __len__(self) -> int:
        return len(self._arrays["nodes"])

    def find_all(self, stems: Sequence[str]) -> npt.NDArray[np.int64]:
        """Many look-ups at once: each stem's number, -1 where no division has it. Shape ``(stems,)``."""
        wanted = np.fromiter(map(stem_hash, stems), np.uint32, len(stems))
        rows = np.searchsorted(self._arrays["hashes"], wanted).astype(np.int64)
        rows[rows == len(self._arrays["hashes"])] = 0
        rows[self._arrays["hashes"][rows] != wanted] = -1
        for index in np.flatnonzero((rows >= 0) & ~self._stands_there(rows, stems)):
            rows[index] = self._row_from(int(rows[index]), stems[int(index)])
        return rows

    def _stands_there(
        self, rows: npt.NDArray[np.int64], stems: Sequence[str]
    ) -> npt.NDArray[np.bool_]:
        """Whether each stem is the text of its row; a row of -1 is anything."""
        places, text = self._arrays["places"], self._arrays["text"]
        lengths = np.fromiter(map(len, stems), np.int64, len(stems))
        ends = np.cumsum(lengths) - lengths
        joined = np.frombuffer("".join(stems).encode("utf-32-le", "surrogatepass"), "<u4")
        starts = places[rows].astype(np.int64)
        same = places[rows + 1] - starts == lengths
        for place in range(int(lengths.max(initial=0))):
            longer = np.flatnonzero(same & (place < lengths))
            same[longer] = text[starts[longer] + place] == joined[ends[longer] + place]
        return cast(npt.NDArray[np.bool_], same)

    def get(self, code: str) -> Division | None:
        """The division with a code; None if there is none."""
        if len(code) not in CODE_LENGTHS or not code.isdecimal():
            return None
        upper, village = code[:9] if len(code) == 12 else code, code[9:]
        uppers = self._arrays["uppers"]
        row = int(np.searchsorted(uppers, _sortable(upper)))
        if row == len(uppers) or uppers[row] != _sortable(upper):
            return None
        if not village:
            return self._division(int(self._arrays["entries"][row]))
        found = np.flatnonzero(self._arrays["nodes"] == (row << VILLAGE_BITS | int(village)))
        return self._division(int(found[0])) if len(found) else None

    def stems(self, level: int) -> frozenset[str]:
        """The stems of all divisions down to a level above the village."""
        below = 10 ** (CODE_LENGTHS[3] - CODE_LENGTHS[level])
        rows = np.flatnonzero(self._arrays["uppers"] % below == 0)
        return frozenset(self._division(int(self._arrays["entries"][row])).stem for row in rows)

    def path(self, division: Division) -> list[str]:
        """The names from the province to the division; 市辖区 and the like are left out."""
        above = (self.upper(code) for code in parents(division.code))
        names = [held.name for held in above if held and not is_filler(held)]
        return [*names, division.name]

    def _find(self, stem: str) -> tuple[Division, ...]:
        hashes = self._arrays["hashes"]
        wanted = np.uint32(stem_hash(stem))
        row = int(np.searchsorted(hashes, wanted))
        if row == len(hashes) or hashes[row] != wanted:
            return _EMPTY
        row = self._row_from(row, stem)
        if row < 0:
            return _EMPTY
        firsts = self._arrays["firsts"]
        entries = range(int(firsts[row]), int(firsts[row + 1]))
        return tuple(self._division(entry, stem) for entry in entries)

    def _row_from(self, row: int, stem: str) -> int:
        """The row of a stem, of those with its hash, which begin at `row`; -1 if it is none of them."""
        hashes = self._arrays["hashes"]
        wanted = hashes[row]
        while row < len(hashes) and hashes[row] == wanted:
            if self._stem(row) == stem:
                return row
            row += 1
        return -1

    def _stem(self, row: int) -> str:
        places = self._arrays["places"]
        return self._arrays["text"][places[row] : places[row + 1]].tobytes().decode("utf-32-le")

    def _division(self, entry: int, stem: str | None = None) -> Division:
        if stem is None:
            row = int(np.searchsorted(self._arrays["firsts"], entry, "right")) - 1
            stem = self._stem(row)
        node = int(self._arrays["nodes"][entry])
        village = node & ((1 << VILLAGE_BITS) - 1)
        code = code_of(int(self._arrays["uppers"][node >> VILLAGE_BITS]))
        suffix = self._suffixes[int(self._arrays["suffixes"][entry])]
        return Division(f"{code}{village:03}" if village else code, stem, suffix)


def is_filler(division: Division) -> bool:
    """True for rows that only fill a level of the code: 市辖区, 县, 省直辖县级行政区划."""
    return division.name in ("市辖区", "县") or division.name.endswith("直辖县级行政区划")


def _sortable(code: str) -> int:
    return int(code.ljust(9, "0"))


def code_of(number: int) -> str:
    """The code that an upper's number stands for: 500108000 is 500108."""
    digits = f"{number:09}"
    for length, zeros in ((2, 7), (4, 5), (6, 3)):
        if digits.endswith("0" * zeros):
            return digits[:length]
    return digits


def _header(data: bytes, path: Path) -> dict[str, Any]:
    if not data.startswith(MAGIC):
        raise _damaged(path, "is no lexicon of divisions, or another version's")
    header: dict[str, Any] = json.loads(data[len(MAGIC) :])
    return header


def _damaged(path: Path, what: str) -> NerError:
    return NerError(what, where=str(path), remedy="install ner again, or `ner places build`")


@lru_cache(maxsize=4)
def shipped(year: int | None = None) -> Lexicon:
    """The lexicon that comes with the package: of a year, or of the last.

    Raises:
        NerError: there is none of that year.
    """
    folder = package_data("places")
    files = {int(file.stem.split("-")[1]): file for file in folder.glob("divisions-*.lexicon")}
    if not files or (year is not None and year not in files):
        raise NerError(
            f"no divisions of {year or 'any year'}",
            where=str(folder),
            remedy=f"there are {', '.join(map(str, sorted(files))) or 'none'}; `ner places build`",
        )
    return Lexicon(files[max(files) if year is None else year])
