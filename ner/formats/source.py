"""Bytes and where they come from: files, folders, globs, standard input; strict decoding."""

import glob
import gzip
import sys
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from ner.errors import NerError

SUFFIXES = {
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
    ".txt": "txt",
    ".text": "txt",
    ".jsonld": "web-annotation",
    ".bio": "bio",
    ".bmes": "bmes",
    ".conll": "bio",
    ".spacy": "docbin",
}
"""What a file's name says of its form."""


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes with a name for messages."""

    name: str
    data: bytes

    @property
    def stem(self) -> str:
        return Path(self.name.removesuffix(".gz")).stem

    @property
    def suffix(self) -> str:
        return Path(self.name.removesuffix(".gz")).suffix.lower()


class Part(NamedTuple):
    """What a writer made: the next bytes of its file; with a name, a file of its folder."""

    data: bytes
    name: str = ""


def find(paths: Iterable[str], *, recursive: bool = False) -> list[Path | None]:
    """Paths, globs and folders to files, in order; ``-`` (standard input) is None.

    Raises:
        NerError: nothing is there, or a folder is named without `recursive`.
    """
    found: list[Path | None] = []
    for name in paths:
        path = Path(name)
        if name == "-":
            found.append(None)
        elif path.is_dir():
            if not recursive:
                raise NerError(
                    "is a folder", where=name, remedy="add --recursive to read all in it"
                )
            found += sorted(p for p in path.rglob("*") if Source(str(p), b"").suffix in SUFFIXES)
        elif path.exists():
            found.append(path)
        else:
            matches = sorted(glob.glob(name, recursive=True))
            if not matches:
                raise NerError("no such file", where=name, remedy="check the path or the pattern")
            found += [Path(match) for match in matches if not Path(match).is_dir()]
    return found


def open_source(path: Path | None) -> Source:
    """Read a file, unpacked if it is gzipped, or standard input for None.

    Raises:
        NerError: the file cannot be read or is empty.
    """
    name = str(path) if path else "<stdin>"
    try:
        data = path.read_bytes() if path else sys.stdin.buffer.read()
        if name.endswith(".gz"):
            data = gzip.decompress(data)
    except IsADirectoryError:
        raise NerError("is a folder", where=name, remedy="name a file") from None
    except (OSError, EOFError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise NerError(f"cannot be read: {reason}", where=name, remedy="check the file") from None
    if not data.strip():
        raise NerError("is empty", where=name, remedy="nothing to read; check how it was made")
    return Source(name, data)


def decode(data: bytes) -> str:
    """Strict UTF-8 (with or without a byte order mark), else strict GB18030.

    Raises:
        NerError: it is neither, or binary.
    """
    if b"\0" in data[:65536] and not data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise NerError("is binary, not text", remedy="give text, JSONL, CSV or Parquet")
    try:
        return decode_utf8(data)
    except NerError as error:
        not_utf8 = error
    try:
        return data.decode("gb18030")
    except UnicodeDecodeError:
        raise NerError(f"{not_utf8.message}, nor GB18030", remedy=not_utf8.remedy) from None


def decode_utf8(data: bytes) -> str:
    """Strict UTF-8, with or without a byte order mark.

    Raises:
        NerError: it is not.
    """
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise NerError(
            f"not UTF-8 (byte {error.start})", remedy="convert it: iconv -f GB18030 -t UTF-8"
        ) from None
