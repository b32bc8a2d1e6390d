"""CSV and tab-separated text, a row an article. What is written, a row a span: `span_table`."""

import io
import itertools
import re
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from ner.article import Rejected
from ner.errors import NerError, at
from ner.formats.fields import UNCOUNTED, Dropped, Row, count_unknown, rename
from ner.formats.jsonl import MAX_LINE
from ner.formats.rows import Item, article_or_rejected
from ner.formats.source import Source

_MAX_LINES = 10_000  # of a quoted value
_ESCAPED_BYTE = re.compile(r"[\udc80-\udcff]")


def read_csv(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """Comma-, semicolon- or tab-separated, with a header line, read as a stream.

    A value in quotation marks may hold the separator and line ends (RFC 4180). A quotation mark that
    opens no such value belongs to the text; where that would be a guess, the row is refused.

    Raises:
        NerError: no column holds the text.
    """
    with at(source.name):
        text = io.TextIOWrapper(
            source.stream(),
            source.stream_encoding,
            errors="surrogateescape",
            newline="\n",
        )
        lines = _Lines(text)
        head = lines.peek().removeprefix("\ufeff")
        separator = next((mark for mark in "\t,;" if mark in head), ",")
        names: list[str] | None = None
        for number, values in _records(lines, separator):
            where = f"{source.name}:{number}"
            if names is None:
                names = [value.removeprefix("\ufeff").strip() for value in _header(values)]
                check_columns(names, fields, where)
                continue
            yield _item(values, names, fields, where, dropped)


def check_columns(names: Sequence[str], fields: Mapping[str, str], where: str) -> None:
    """Refuse a table that has no column of texts.

    Raises:
        NerError: it has none.
    """
    if not {"text", "body"} & rename(dict.fromkeys(names, ""), fields).keys():
        raise NerError(
            f"has no column 'text', 'body', 正文 or 内容, only {', '.join(names)[:200]}",
            where=where,
            remedy="map one with --field body=COLUMN",
        )


def table_item(
    row: Row, fields: Mapping[str, str], where: str, dropped: Dropped, known: Sequence[str] = ()
) -> Item:
    """The article that a row of a table is, or why it is none; columns left out are counted.

    Args:
        known: columns beside `FIELDS` that are not left out.
    """
    renamed = rename(row, fields)
    count_unknown(renamed, known, dropped)
    return article_or_rejected(renamed, where)


def _header(values: list[str] | NerError) -> list[str]:
    if isinstance(values, NerError):
        raise values
    if any(map(_ESCAPED_BYTE.search, values)):
        raise NerError("damaged characters in the header line", remedy="make the file again")
    return values


def _item(
    values: list[str] | NerError,
    names: Sequence[str],
    fields: Mapping[str, str],
    where: str,
    dropped: Dropped,
) -> Item:
    if not isinstance(values, NerError):
        if any(map(_ESCAPED_BYTE.search, values)):
            values = NerError("damaged characters", remedy="make the file again, as UTF-8")
        elif len(values) > len(names):
            values = NerError(
                f"{len(values)} values for {len(names)} columns",
                remedy="put a value that holds the separator in quotation marks",
            )
    if isinstance(values, NerError):
        return Rejected.from_error(values, where=where)
    return table_item(dict(zip(names, values)), fields, where, dropped)


@dataclass
class _Lines:
    """Lines of a file, some of them read ahead.

    Of each line is known where a quoted value that began before it would end: at its first quotation
    mark that is not doubled (-1: nowhere).
    """

    file: io.TextIOWrapper
    ahead: deque[tuple[str, int]] = field(default_factory=deque)
    number: int = 0
    open_ahead: int = 0
    """How many of the lines ahead are known to end no quoted value."""

    def peek(self) -> str:
        return self.ahead[0][0] if self.ahead or self._read() else ""

    def next(self) -> str:
        """The next line with its end; empty at the end of the file."""
        if not self.ahead and not self._read():
            return ""
        self.number += 1
        self.open_ahead = max(self.open_ahead - 1, 0)
        return self.ahead.popleft()[0]

    def quoted_end(self) -> int:
        """How many lines ahead a quoted value that is open now ends; -1 if nowhere near."""
        while self.open_ahead < _MAX_LINES:
            if self.open_ahead >= len(self.ahead) and not self._read():
                return -1
            if self.ahead[self.open_ahead][1] >= 0:
                return self.open_ahead
            self.open_ahead += 1
        return -1

    def _read(self) -> bool:
        line = self.file.readline(MAX_LINE)
        if line:
            self.ahead.append((line, _first_single_quote(line, 0)))
        return bool(line)


def _first_single_quote(line: str, start: int) -> int:
    """The first quotation mark from `start` that is not doubled; -1 if there is none."""
    at = line.find('"', start)
    while at >= 0 and line.startswith('"', at + 1):
        at = line.find('"', at + 2)
    return at


def _records(lines: _Lines, separator: str) -> Iterator[tuple[int, list[str] | NerError]]:
    """The number of its first line, and the values or the error, of every row that is not blank."""
    while line := lines.next():
        number = lines.number
        if len(line) >= MAX_LINE:
            while line and not line.endswith("\n"):
                line = lines.next()
            error = NerError(f"line of over {MAX_LINE:,} characters", remedy="split it")
            yield number, error
        elif line.strip():
            yield number, _values(line, lines, separator)


def _values(line: str, lines: _Lines, separator: str) -> list[str] | NerError:
    """The values of a row that begins with `line`; takes the lines that a quoted value goes on over."""
    values: list[str] = []
    at = 0
    while True:
        if line.startswith('"', at):
            end = _first_single_quote(line, at + 1)
            if end < 0:
                taken = _take_quoted(line[at + 1 :], lines, separator, len(values))
                if taken is None and separator != "\t":
                    return NerError(
                        "a quotation mark opens a value and none closes it",
                        remedy='close it, or double every mark of the text: """一表通""在…"',
                    )
                if taken is not None:
                    value, line, at = taken
                    values.append(value)
                    if at < 0:
                        return values
                    continue
            elif _ends_value(line, end + 1, separator):
                values.append(line[at + 1 : end].replace('""', '"'))
                at = _after(line, end + 1, separator)
                if at < 0:
                    return values
                continue
        end = line.find(separator, at)
        values.append((line[at:end] if end >= 0 else line[at:]).rstrip("\r\n"))
        if end < 0:
            return values
        at = end + 1


def _ends_value(line: str, at: int, separator: str) -> bool:
    return line.startswith(separator, at) or not line[at : at + 3].strip("\r\n")


def _after(line: str, at: int, separator: str) -> int:
    return at + 1 if line.startswith(separator, at) else -1


def _take_quoted(
    begun: str, lines: _Lines, separator: str, before: int
) -> tuple[str, str, int] | None:
    """A quoted value that goes on over lines: it, its last line, and where the next value begins there.

    None where no line near closes it properly: then nothing is taken. Of tab-separated text also
    where a line within has as many tabs as come before the value: it is a row of its own.
    """
    ahead = lines.quoted_end()
    if ahead < 0:
        return None
    last, end = lines.ahead[ahead]
    if not _ends_value(last, end + 1, separator):
        return None
    if separator == "\t":
        whole = (line for line, _ in itertools.islice(lines.ahead, ahead))
        within = itertools.chain(whole, [last[:end]])
        if before and any(line.count("\t") >= before for line in within):
            return None
    pieces = [begun, *(lines.next() for _ in range(ahead))]
    last = lines.next()
    pieces.append(last[:end])
    value = "".join(pieces).replace('""', '"')
    return value, last, _after(last, end + 1, separator)
