"""The tagging contract: a JSON line out for every line or article in, in order.

In: ``{"id", "text", …}`` per line, or any file that `ner ingest` takes. Out: ``{"id", "spans":
[{"start", "end", "label", "text", "score"}, …]}``, or ``{"id", "error"}`` in the place of what cannot be
tagged. Scripts depend on it. Offsets count in the line's own ``text``; where there is none, or the file is
no JSON Lines, the line out has a ``text`` to which they apply.
"""

import contextlib
import select
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, cast

from ner.article import Rejected
from ner.batch.tagging import BATCH_CHARACTERS, tag_each
from ner.errors import NerError, at
from ner.formats import check_text, dump, json_lines, make_article, rename, span_row
from ner.formats.detect import detect_form
from ner.formats.forms import FORMATS
from ner.formats.jsonl import decode_line
from ner.formats.paths import Skipped, find, open_all
from ner.formats.source import EmptyFile, Source, printable
from ner.tagger.loading import Tagger

BATCH = 64  # lines tagged together, at most
_CHUNK = 1 << 16  # bytes
_LINES = ("jsonl", "doccano", "doccano-relations")
"""Forms with an object per line, which needs no more than an id and a text."""


@dataclass(frozen=True, slots=True)
class Line:
    """A line of output.

    Args:
        error: why it is one of ``{"id", "error"}``.
        is_old: it had been written before this run went on, see `ner.batch.resume`.
    """

    json: str
    error: NerError | None = None
    is_old: bool = False


@dataclass(frozen=True, slots=True)
class _Record:
    """What is to be tagged, or why it cannot be; with `shows_text` its text is part of the output."""

    id: str | int | None
    text: str = ""
    error: NerError | None = None
    shows_text: bool = False


def tag_file(
    tagger: Tagger,
    path: Path | None,
    *,
    skip: int = 0,
    skipped: Skipped | None = None,
) -> Iterator[Line]:
    """Tag what a file holds. The answer to a line that comes through a pipe does not wait for further lines.

    Args:
        path: a file, a folder of files, or None for standard input.
        skip: lines of output that are there already: so many records are left out.
        skipped: counts what a folder or an archive holds that is not read, by kind.

    Raises:
        NerError: the file cannot be read.
    """
    counts = Counter() if skipped is None else skipped
    for batch in _batches(_records(path, counts), skip):
        found = iter(tag_each(tagger, [record.text for record in batch if not record.error]))
        for record in batch:
            spans = record.error or next(found)
            if isinstance(spans, NerError):
                remedy = f" ({spans.remedy})" if spans.remedy else ""
                yield Line(dump({"id": record.id, "error": f"{spans.message}{remedy}"}), spans)
            else:
                text = {"text": record.text} if record.shows_text else {}
                rows = [span_row(span, record.text) for span in spans]
                yield Line(dump({"id": record.id, **text, "spans": rows}))


def _batches(records: Iterable[_Record | None], skip: int) -> Iterator[list[_Record]]:
    """Records in batches; one ends early where None says that no more input is there yet."""
    batch: list[_Record] = []
    held = 0
    for record in records:
        if record and skip:
            skip -= 1
            continue
        if record:
            batch.append(record)
            held += len(record.text)
        if batch and (not record or len(batch) >= BATCH or held >= BATCH_CHARACTERS):
            yield batch
            batch, held = [], 0
    if batch:
        yield batch


def _records(path: Path | None, skipped: Skipped) -> Iterator[_Record | None]:
    """The records of a file, or of all in a folder; None where reading on would wait for a pipe."""
    if path is None or not path.is_dir():
        yield from _records_of_file(path, skipped)
        return
    files = find([str(path)], recursive=True, skipped=skipped)
    if not files:
        raise NerError(
            "holds no file that can be read",
            where=printable(str(path)),
            remedy="check the folder",
        )
    for file in files:
        try:
            yield from _records_of_file(file, skipped)
        except NerError as error:
            error.where = error.where or printable(str(file))
            yield _Record(None, error=error)


def _records_of_file(path: Path | None, skipped: Skipped) -> Iterator[_Record | None]:
    with contextlib.suppress(*([EmptyFile] if path is None else [])):  # nothing in, nothing out
        for source in open_all(path, skipped):
            if isinstance(source, NerError):
                yield _Record(None, error=source)
                continue
            form = detect_form(source)
            yield from _lines(source) if _has_lines(source, form) else _articles(source, form)


def _has_lines(source: Source, form: str) -> bool:
    """True for JSON Lines, also where the first line is damaged and so detected as JSON."""
    begins = source.head.removeprefix(b"\xef\xbb\xbf").lstrip()
    return form in _LINES or (
        form == "json" and source.suffix != ".json" and begins.startswith(b"{")
    )


def _articles(source: Source, form: str) -> Iterator[_Record]:
    """The articles of a form that is no JSON Lines."""
    try:
        for item in FORMATS[form].read(source):
            if isinstance(item, Rejected):
                yield _Record(item.id or None, error=item.to_error())
            else:
                yield _Record(item.id, item.text, shows_text=True)
    except NerError as error:
        error.where = error.where or source.name
        yield _Record(None, error=error)


def _lines(source: Source) -> Iterator[_Record | None]:
    stream = _Lines(source)
    decode = partial(decode_line, source)
    for where, value in json_lines(cast(BinaryIO, stream), source.name, decode=decode):
        yield _record(where, value)
        if not stream.is_ready():
            yield None


def _record(where: str, value: dict[str, Any] | NerError) -> _Record:
    """The record of a line: its text as it is, or what `ner ingest` makes of its title and body."""
    if isinstance(value, NerError):
        return _Record(None, error=value)
    row = rename(value)
    given = row.get("id")
    known = given if isinstance(given, str | int) and not isinstance(given, bool) else None
    try:
        with at(where):
            if known is None:
                raise NerError("no 'id', or it is not text", remedy='{"id": "…", "text": "…"}')
            if isinstance(row.get("text"), str):
                check_text(row["text"])
                return _Record(known, row["text"])
            if row.get("text") is None and row.get("body") is None:
                raise NerError("no 'text', or it is not text", remedy='{"id": "…", "text": "…"}')
            return _Record(known, make_article(row).text, shows_text=True)
    except NerError as error:
        return _Record(known, error=error)


class _Lines:
    """The lines of a source, and whether another is there without waiting."""

    def __init__(self, source: Source) -> None:
        self._stream = source.stream()
        self._descriptor = source.descriptor
        self._lines: deque[bytes] = deque()
        self._rest = b""

    def readline(self, limit: int) -> bytes:
        """The next line, or as much of it as `limit` allows; empty at the end."""
        while not self._lines and len(self._rest) < limit and self._read():
            pass
        if self._lines:
            line = self._lines.popleft()
            if len(line) > limit:
                self._lines.appendleft(line[limit:])
            return line[:limit]
        line, self._rest = self._rest[:limit], self._rest[limit:]
        return line

    def is_ready(self) -> bool:
        """False where reading a whole line would wait for a pipe."""
        while not self._lines and self._descriptor is not None:
            if not _has_input(self._descriptor):
                return False
            if not self._read():
                break
        return True

    def _read(self) -> bool:
        """Read what is there, or wait for it; False at the end."""
        chunk: bytes = self._stream.read1(_CHUNK)  # type: ignore[attr-defined]
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        self._lines.extend(line + b"\n" for line in lines)
        return bool(chunk)


def _has_input(descriptor: int) -> bool:
    """Whether reading would not wait. A wrong False costs only speed."""
    try:
        return bool(select.select([descriptor], [], [], 0)[0])
    except (OSError, ValueError):  # Windows asks sockets only
        return False
