"""A row of a foreign table as an article, and spans between its text and their columns."""

import datetime
import re
import uuid
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from ner.article import Article, Rejected, Span, text_hash
from ner.errors import NerError
from ner.formats import check_text
from ner.formats.visible import Visible, plain, visible
from ner.store.failures import storable
from ner.store.foreign.config import ArticlesConfig

TITLE, BODY = "title", "body"

_MILLISECONDS = 100_000_000_000  # a greater Unix time counts them
# Also bytes that are no text, see `_text` and `open_reader`.
_DAMAGED = re.compile("[\0\udc80-\udcff]")
_FROM_TEXT: Mapping[type, Callable[[str], Any]] = {
    **{int: int, Decimal: Decimal, uuid.UUID: uuid.UUID, bytes: bytes.fromhex},
}


@dataclass(frozen=True, slots=True)
class ForeignRow:
    """A row as it is tagged: title, line feed and body, or the body alone where there is no title.

    Args:
        key: its id as the database has it.
        id: the same as text.
        changed: what the column `changed` holds, as text.
        fields: paper, date and page, for an `Article`.
        columns: what they call title and body.
    """

    key: Any
    id: str
    title: Visible
    body: Visible
    changed: str | None
    fields: dict[str, Any]
    columns: tuple[str, str] = (TITLE, BODY)

    @property
    def body_start(self) -> int:
        """Where the body begins in the text that is tagged."""
        return len(self.title.text) + 1 if self.title.text else 0

    @property
    def text(self) -> str:
        """What is tagged; empty where there is nothing to tag."""
        if not self.body.text:
            return self.title.text
        return f"{self.title.text}\n{self.body.text}" if self.title.text else self.body.text

    @property
    def hash(self) -> str:
        """SHA-256 of the text, by which a changed row is known; of any text, also of one that is damaged."""
        return text_hash(self.text.encode("utf-8", "backslashreplace").decode())

    def article(self, spans: tuple[Span, ...] = ()) -> Article | Rejected:
        """The article, or why it is none."""
        try:
            for name, column in zip(self.columns, (self.title, self.body)):
                _check_column(name, column)
            check_text(self.text)
            start = self.body_start if self.body.text else 0
            title = self.title.text
            return Article(self.id, self.text, title, start, spans=spans, **self.fields)
        except NerError as error:
            return Rejected.from_error(error, self.id, where=f"article {self.id}")

    def place(self, span: Span) -> tuple[str, int, int] | None:
        """The column, start and end there of a span of the text; None over the end of the title."""
        start = self.body_start
        if span.start >= start:
            return BODY, *self.body.source(span.start - start, span.end - start)
        if span.end < start:
            return TITLE, *self.title.source(span.start, span.end)
        return None

    def span(self, field: str, start: int, end: int, *more: Any) -> Span | None:
        """A span of the text by its place in their column, the reverse of `place`; None if there is none."""
        column, shift = (self.title, 0) if field == TITLE else (self.body, self.body_start)
        found = column.find(start, end)
        return Span(found[0] + shift, found[1] + shift, *more) if found else None


def make_row(config: ArticlesConfig, row: Mapping[str, Any]) -> ForeignRow:
    """A row of their table; its texts stay as they are, HTML as a browser shows it."""

    def column(name: str | None) -> Visible:
        text = _text(row[name]) if name else ""
        return visible(text) if name in config.html else plain(text)

    fields: dict[str, Any] = {}
    if config.date:
        fields["date"] = as_date(row[config.date], ZoneInfo(config.timezone))
    for ours, theirs in (("paper", config.paper), ("page", config.page)):
        if theirs:
            fields[ours] = storable(_text(row[theirs]))[:500]
    changed = changed_text(row[config.changed]) if config.changed else None
    key = row[config.id]
    names = config.title or TITLE, config.body
    title, body = column(config.title), column(config.body)
    return ForeignRow(key, id_text(key), title, body, changed, fields, names)


def changed_text(value: Any) -> str:
    """What their column `changed` holds, as it is kept and compared."""
    return storable(_text(value))


def id_text(value: Any) -> str:
    """An id as text: bytes in hexadecimal, a whole number without decimal places."""
    if isinstance(value, Decimal) and value == value.to_integral_value():
        return str(int(value))
    return value.hex() if isinstance(value, bytes) else str(value)


def id_from_text(text: str, kind: type) -> Any:
    """An id as the database has it.

    Raises:
        NerError: no id of this type can be written so.
    """
    try:
        return _FROM_TEXT.get(kind, str)(text)
    except (ValueError, ArithmeticError):
        raise NerError(f"is no id of type {kind.__name__}", where=f"article {text}") from None


def numbers(texts: Iterable[str]) -> list[Any]:
    """The numbers that some ids as text can be."""
    found: list[Any] = []
    for text in texts:
        for kind in (int, float):
            with suppress(ValueError, OverflowError):
                found.append(kind(text))
    return found


def as_date(value: Any, timezone: ZoneInfo) -> datetime.date | None:
    """The date of a column's value; None where it holds none, such as 0 or 0000-00-00."""
    if isinstance(value, datetime.datetime):
        return (value.astimezone(timezone) if value.tzinfo else value).date()
    if isinstance(value, datetime.date):
        return value
    text = _text(value).strip()
    if re.fullmatch(r"\d{9,13}(\.\d+)?", text):
        seconds = float(text) / (1000 if float(text) >= _MILLISECONDS else 1)
        return datetime.datetime.fromtimestamp(seconds, timezone).date()
    with suppress(ValueError):
        if (time := datetime.datetime.fromisoformat(text)).tzinfo:
            return time.astimezone(timezone).date()
    with suppress(ValueError):
        if match := re.match(r"(\d{4})\D{0,3}(\d{1,2})\D{0,3}(\d{1,2})", text):
            return datetime.date(*map(int, match.groups()))
    return None


def _check_column(name: str, column: Visible) -> None:
    """Refuse a text that is damaged, with its column.

    Raises:
        NerError: it holds a NUL, or bytes that were no text.
    """
    if not (bad := _DAMAGED.search(column.text)):
        return
    at, _ = column.source(*bad.span())
    found = f"byte {ord(bad[0]) - 0xDC00:02X} at {at} is not UTF-8"
    if bad[0] == "\0":
        found = f"character U+0000 at {at} is not text"
    raise NerError(f"column {name}: {found}", remedy="correct the row")


def _text(value: Any) -> str:
    if isinstance(value, bytes):  # MySQL's BLOB, or text in a collation of bytes
        return value.decode("utf-8", "surrogateescape")
    return "" if value is None else str(value)
