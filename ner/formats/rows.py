"""Fields to articles and back: what every form has in common, and the one normalisation.

Line ends become ``\\n`` and ideographic or other indents at line ends are taken off. Nothing else
changes, and nothing at all where a text comes with its spans.
"""

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from hashlib import sha256
from typing import Any

from ner.article import Article, Rejected, Span
from ner.errors import NerError, at

MAX_TEXT = 1_000_000  # code points; a longer article is a book, or a file without line ends
FIELDS = ("id", "title", "body", "text", "paper", "date", "page", "section")
"""The fields of an article in JSONL, CSV and Parquet; `ner ingest --field` maps others to them."""

_MAY_BE_NUMBERS = ("id", "date", "page")

Row = Mapping[str, Any]
Item = Article | Rejected
Lost = Counter[str]
"""What a form could not carry: how many of what."""

UNCOUNTED: Lost = Counter()
"""Where counts go that nobody asked for."""


def normalise(text: str) -> str:
    """What is stored: line ends as ``\\n``, no indents, no blanks at line ends, no empty edge lines.

    Idempotent; characters within a line stay as printed.
    """
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    lines = [line.strip(" \t\u3000\xa0\ufeff") for line in text.split("\n")]
    return "\n".join(lines).strip("\n")


def make_article(row: Row, *, default_id: str = "") -> Article:
    """An article from fields: ``title`` and ``body``, or ``text`` that may begin with the title.

    With ``spans`` (an empty list is one) the text is taken exactly as it is, else it is normalised.

    Where there is no id, the text's own hash is one, so that reading twice gives it twice.

    Raises:
        NerError: a field is missing, of the wrong type, or its spans break the law of offsets.
    """
    # Spans hold for the text they came with, so that one is stored already: not a character changes.
    exact = row.get("spans") is not None
    clean = str if exact else normalise
    title = clean(_text_field(row, "title")).replace("\n", " ")
    body, text = clean(_text_field(row, "body")), clean(_text_field(row, "text"))
    if body and not text:
        text = f"{title}\n{body}" if title else body
    elif title and text and not text.startswith(f"{title}\n") and not exact:
        text = f"{title}\n{text}"
    body_start = len(title) + 1 if title and text.startswith(f"{title}\n") else 0
    check_text(text)
    if not text:
        raise NerError(
            "has no text", remedy="needs a field body or text; --field maps another name"
        )
    return Article(
        id=_text_field(row, "id") or default_id or sha256(text.encode()).hexdigest()[:16],
        text=text,
        title=title,
        body_start=body_start,
        paper=_text_field(row, "paper"),
        date=parse_date(_text_field(row, "date")),
        page=_text_field(row, "page"),
        section=_text_field(row, "section"),
        spans=tuple(map(parse_span, row.get("spans") or ())),
    )


def check_text(text: str) -> None:
    """Refuse what no store and no network should be given.

    Raises:
        NerError: the text is too long, or holds a NUL or half of a surrogate pair.
    """
    if len(text) > MAX_TEXT:
        raise NerError(
            f"text of {len(text):,} characters, over {MAX_TEXT:,}", remedy="split it into articles"
        )
    bad = re.search(r"[\0\ud800-\udfff]", text)
    if bad:
        raise NerError(
            f"character U+{ord(bad[0]):04X} at {bad.start()} is not text",
            remedy="mend how the file was made",
        )


def _text_field(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    if isinstance(value, date) or (isinstance(value, int) and name in _MAY_BE_NUMBERS):
        return str(value)
    if not isinstance(value, str):
        raise NerError(f"field {name!r} is {type(value).__name__}, not text")
    return value


def parse_date(value: str) -> date | None:
    """A date as newspapers print it: 2024-12-05, 20241205, 2024/12/5, 2024年12月5日; None if empty.

    Raises:
        NerError: it is none of these.
    """
    if not value.strip():
        return None
    match = re.match(r"\s*(\d{4})\D{0,3}(\d{1,2})\D{0,3}(\d{1,2})", value)
    try:
        if match is None:
            raise ValueError
        return date(*map(int, match.groups()))
    except ValueError:
        raise NerError(f"{value!r} is not a date", remedy="write it as 2024-12-05") from None


def parse_span(value: Any) -> Span:
    """A span from ``[start, end, label]`` or ``{"start", "end", "label", …}``; a `Span` is one."""
    if isinstance(value, Span):
        return value
    try:
        if isinstance(value, Mapping):
            return Span(
                int(value["start"]),
                int(value["end"]),
                str(value["label"]),
                float(value.get("score", 1.0)),
                str(value.get("model", "")),
            )
        start, end, label = value
        return Span(int(start), int(end), str(label))
    except (KeyError, TypeError, ValueError):
        raise NerError(
            f"{value!r} is not a span", remedy="write [start, end, label] or an object"
        ) from None


def article_or_rejected(row: Row, where: str, *, default_id: str = "") -> Item:
    """The article that a row is, or why it is none."""
    return item(
        lambda: make_article(row, default_id=default_id), where, str(row.get("id") or default_id)
    )


def item(make: Callable[[], Article], where: str, known_id: str = "") -> Item:
    """What `make` gives, or the `Rejected` that its error is.

    Args:
        where: the file and line, for an error that does not know its place.
        known_id: the id of an article that could not be made.
    """
    try:
        with at(where):
            return make()
    except NerError as error:
        return Rejected.from_error(error, known_id)


def rename(row: Row, fields: Mapping[str, str]) -> Row:
    """A row with its fields under our names; `fields` maps ours to theirs."""
    return {**row, **{ours: row[theirs] for ours, theirs in fields.items() if theirs in row}}


def span_row(span: Span, text: str) -> dict[str, Any]:
    """A span as the tagging contract writes it."""
    return {
        "start": span.start,
        "end": span.end,
        "label": span.label,
        "text": text[span.start : span.end],
        "score": round(span.score, 4),
    }


def article_fields(article: Article) -> dict[str, str]:
    """The fields of an article beside its text and spans, as text; empty where not known."""
    return {
        "id": article.id,
        "title": article.title,
        "paper": article.paper,
        "date": article.date.isoformat() if article.date else "",
        "page": article.page,
        "section": article.section,
    }


def article_row(article: Article) -> dict[str, Any]:
    """An article as ``ner export`` writes it."""
    return {
        "id": article.id,
        "title": article.title,
        "text": article.text,
        "paper": article.paper,
        "date": article.date.isoformat() if article.date else None,
        "page": article.page,
        "section": article.section,
        "spans": [{**span_row(span, article.text), "model": span.model} for span in article.spans],
    }


def count_unknown(row: Row, known: Iterable[str], lost: Lost) -> None:
    """Count the fields of a row that an article has no place for."""
    lost.update(f"fields {name!r}" for name in sorted(row.keys() - {*FIELDS, *known}))


def has_score(span: Span) -> bool:
    """True where a form without room for score and model loses something."""
    return bool(span.model) or span.score != 1


def dump(row: Mapping[str, Any]) -> str:
    """One JSON line, readable characters kept; a lone surrogate is escaped, since UTF-8 has none."""
    line = json.dumps(row, ensure_ascii=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(row)
    return line + "\n"
