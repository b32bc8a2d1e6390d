"""Bytes and where they come from: files, members of archives, standard input."""

import gzip
import io
import os
import re
import stat
import sys
import zipfile
import zlib
from collections.abc import Callable
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from ner.errors import NerError
from ner.formats.encoding import SAMPLE, decode, detect_encoding

MEGABYTE = 1 << 20
MAX_WHOLE = 256 * MEGABYTE
"""Bytes of a file in a form that is read as a whole; JSONL, CSV and Parquet are read as streams."""
MAX_RATIO = 200
"""How many times its packed size a file may grow when it is unpacked; news text grows three- to tenfold."""


class EmptyFile(NerError):
    """The error for a file without content."""


class Source:
    """A file's bytes with its name for messages. It is read once, and only as far as asked for.

    Args:
        name: for messages, and what the form and the default id are told by.
        data: the bytes, or a stream of them.
        path: the file itself, for forms with files beside it; None for a member of an archive,
            standard input and bytes.
        descriptor: of a pipe or terminal, for which reading may wait; None for others.
    """

    def __init__(
        self,
        name: str,
        data: bytes | io.RawIOBase,
        *,
        path: Path | None = None,
        descriptor: int | None = None,
    ) -> None:
        self.name = name
        self.path = path
        self.descriptor = descriptor
        raw = LimitedStream(io.BytesIO(data), name) if isinstance(data, bytes) else data
        self._stream = io.BufferedReader(raw, SAMPLE)

    @property
    def suffix(self) -> str:
        """The last suffix, lower case, after any ``.gz``."""
        return Path(_without_gz(self.name)).suffix.lower()

    @cached_property
    def default_id(self) -> str:
        """The id of an article that brings none: see `id_from_path`."""
        if self.name == STDIN:
            return sha256(self.data).hexdigest()[:16]
        return id_from_path(os.path.realpath(self.path) if self.path else self.name)

    @cached_property
    def head(self) -> bytes:
        """The first bytes, up to `SAMPLE`; all of them can still be read."""
        return self._stream.peek(SAMPLE)[:SAMPLE]

    @cached_property
    def beginning(self) -> str:
        """The first characters, without a byte order mark, white space, and what is cut at the end.

        Raises:
            NerError: they are in no encoding that is read.
        """
        return self.head.decode(self.encoding, "ignore").removeprefix("\ufeff").lstrip()

    @cached_property
    def data(self) -> bytes:
        """All bytes.

        Raises:
            NerError: they are over `MAX_WHOLE`.
        """
        _ = self.head  # while it can be seen
        data = self._stream.read(MAX_WHOLE + 1)
        if len(data) > MAX_WHOLE:
            raise NerError(
                f"is over {MAX_WHOLE // MEGABYTE} MB",
                where=self.name,
                remedy="split it, or give JSONL or CSV, which are read as streams",
            )
        return data

    @cached_property
    def text(self) -> str:
        """The whole file decoded; see `decode`."""
        return decode(self.data)

    @cached_property
    def encoding(self) -> str:
        """What the first bytes are encoded in; see `detect_encoding`."""
        return detect_encoding(self.head)

    def stream(self) -> BinaryIO:
        """The bytes from the first one, in UTF-8 where the file is in UTF-16 or UTF-32."""
        if self.encoding.startswith(("utf-16", "utf-32")):
            return io.BytesIO(self.text.encode())
        if "data" in self.__dict__:
            return io.BytesIO(self.data)
        return self._stream

    @property
    def stream_encoding(self) -> str:
        """What `stream` is encoded in."""
        return "utf-8" if self.encoding.startswith(("utf-16", "utf-32")) else self.encoding

    def close(self) -> None:
        """Close the file."""
        self._stream.close()

    def __enter__(self) -> "Source":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


STDIN = "<stdin>"


class Part(NamedTuple):
    """What a writer made: the next bytes of its file; with a name, a file of its folder."""

    data: bytes
    name: str = ""


def id_from_path(path: str) -> str:
    """The id of an article by its file: the same at every reading, and another for every file.

    A name that holds a word and a full date (``jzrb-2025-03-18-003``) is enough. Any other gets the two
    folders that hold it, since ``0318/001.txt`` and ``0319/001.txt`` are two articles. So are ``a.txt``
    and ``a.docx``: only the suffix of plain text is left out.
    """
    *folders, name = printable(_without_gz(path)).strip("/").split("/")
    stem = re.sub(r"\.(txt|text)$", "", name) or name
    if len(re.findall(r"\d", stem)) >= 8 and re.search(r"[^\W\d_]", stem):
        return stem
    folders = [re.sub(r"\.(zip|gz)$", "", f) for f in folders if f not in ("", ".", "..")]
    return "/".join([*folders[-2:], stem])


def printable(text: str) -> str:
    """A file's name as text: bytes that are not UTF-8 are written as ``\\xff``."""
    try:
        return os.fsencode(text).decode("utf-8", "backslashreplace")
    except UnicodeEncodeError:  # half of a surrogate pair
        return text.encode("utf-8", "backslashreplace").decode("utf-8")


def open_source(path: Path | None) -> Source:
    """Open a file, unpacked if it is gzipped, or standard input for None.

    Raises:
        NerError: the file cannot be read or is empty.
    """
    if path is None:
        stdin = sys.stdin.buffer
        descriptor = _waiting_descriptor(stdin)
        return unpacked(Source(STDIN, LimitedStream(stdin, STDIN), descriptor=descriptor), 0)
    name = printable(str(path))
    try:
        file = path.open("rb", buffering=0)
        size = os.fstat(file.fileno()).st_size
    except IsADirectoryError:
        raise NerError("is a folder", where=name, remedy="name a file") from None
    except (OSError, ValueError) as error:
        raise NerError(
            f"cannot be read: {getattr(error, 'strerror', None) or error}",
            where=name,
            remedy="check the path and your permission to read it",
        ) from None
    descriptor = _waiting_descriptor(file)
    source = Source(name, LimitedStream(file, name), path=path, descriptor=descriptor)
    try:
        return unpacked(source, size)
    except BaseException:
        source.close()
        raise


def _waiting_descriptor(file: Any) -> int | None:
    """The descriptor of a file that is not on a disk."""
    try:
        descriptor: int = file.fileno()
        return None if stat.S_ISREG(os.fstat(descriptor).st_mode) else descriptor
    except OSError:  # what has no descriptor, as in tests
        return None


def unpacked(source: Source, size: int) -> Source:
    """The source itself, or what it unpacks to if it is gzipped.

    Args:
        size: bytes of the packed file; 0 if not known.

    Raises:
        NerError: it is empty or damaged.
    """
    if source.head.startswith(b"\x1f\x8b"):
        packed = gzip.GzipFile(fileobj=source._stream)
        limit = max(MAX_WHOLE, size * MAX_RATIO)
        stream = LimitedStream(packed, source.name, limit, beneath=source.close)
        source = Source(source.name, stream, path=source.path)
    if not source.head.strip() and not source.data.strip():
        raise EmptyFile("is empty", where=source.name, remedy="check how the file was made")
    return source


class LimitedStream(io.RawIOBase):
    """Another stream, whose faults are `NerError`\\ s that name the file, and which ends at a limit.

    Args:
        limit: bytes after which it is taken for a decompression bomb.
        beneath: closes what the stream itself reads from.
    """

    def __init__(
        self,
        stream: Any,
        name: str,
        limit: int | None = None,
        *,
        beneath: Callable[[], None] | None = None,
    ) -> None:
        self._inner, self._file, self._limit = stream, name, limit
        # One read at a time: what a pipe holds now is passed on now (readinto1 of CPython 3.11 waits).
        self._read = getattr(stream, "read1", None) or stream.read
        self._beneath = beneath
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        try:
            data = self._read(len(buffer)) or b""
        except (OSError, EOFError, zlib.error, zipfile.BadZipFile) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise NerError(
                f"cannot be read: {reason}", where=self._file, remedy="check the file"
            ) from None
        count = len(data)
        buffer[:count] = data
        self._count += count
        if self._limit is not None and self._count > self._limit:
            raise NerError(
                f"unpacks to over {self._limit // MEGABYTE} MB, far more than text does",
                where=self._file,
                remedy="if it is text indeed, unpack it and give the unpacked file",
            )
        return count

    def close(self) -> None:
        if not self.closed and self._inner is not sys.stdin.buffer:
            self._inner.close()
            if self._beneath:
                self._beneath()
        super().close()


def _without_gz(name: str) -> str:
    return name[:-3] if name.lower().endswith(".gz") else name
