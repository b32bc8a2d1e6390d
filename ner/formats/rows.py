"""Rows of fields to articles and back: what every form has in common, and the one normalisation.

Line ends become ``\\n`` and ideographic or other indents at line ends are removed. Nothing else
changes, and nothing at all where a text comes with its spans.
"""

import json
import math
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import date, datetime
from hashlib import sha256
from typing import Any

from ner.article import BYLINE, Article, Rejected, Span
from ner.errors import NerError, at
from ner.formats.bylines import find_author, find_editor
from ner.formats.fields import Dropped, Row, parse_date, parse_page

MAX_TEXT = 1_000_000  # code points; a longer article is a book, or a file without line ends
MAX_FIELD = 500  # code points of an id or another short field: a database's index holds no more
_MUST_BE_TEXT = ("text", "body")  # any other field may be a number: 2025 is a title in Excel
TAGGED_BY = "tagged_by"
"""The model that tagged an article, in JSON Lines and Parquet: null where none has."""
_NOT_TEXT = re.compile(r"[\0\ud800-\udfff]")

Item = Article | Rejected


def normalise(text: str) -> str:
    """What is stored: line ends as ``\\n``, no indents, no blanks at line ends, no empty edge lines.

    Idempotent; characters within a line stay as printed.
    """
    text = re.sub(r"\r\n?|[\u2028\u2029\x0b\x0c\x85]", "\n", text)
    lines = [line.strip(" \t\u3000\xa0\ufeff") for line in text.split("\n")]
    return "\n".join(lines).strip("\n")


def make_article(row: Row, *, default_id: str = "", dropped: Dropped | None = None) -> Article:
    """An article from fields: ``title`` and ``body``, or ``text`` that may begin with the title.

    With ``spans`` (an empty list is one) all is taken exactly as it is. Else the text is normalised,
    and a byline in it gives the author and the editor where no field does.

    Where there is no id, the text's own hash is one, so that reading twice gives it twice.

    Args:
        dropped: counts spans that stand twice; without it they are an error.

    Raises:
        NerError: a field is missing, of the wrong type, too long, or spans do not fit the text.
    """
    # Spans hold for the text they came with, so that one is stored already: not a character changes.
    exact = row.get("spans") is not None
    if exact and row.get("answer") in ("reject", "ignore"):
        raise NerError(
            f"was answered {row['answer']!r} in Prodigy: its spans are not right",
            remedy="take such lines out: prodigy db-out NAME --answer accept",
        )
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
            "has no text", remedy="needs a field body or text; `ner ingest --field` maps another"
        )
    page = _short_field(row, "page")
    byline = {name: _short_field(row, name) for name in BYLINE}
    if not exact:
        page = parse_page(page)
        byline["author"] = byline["author"] or find_author(text[body_start:])
        byline["editor"] = byline["editor"] or find_editor(text[body_start:])
    return Article(
        id=_short_field(row, "id") or default_id or sha256(text.encode()).hexdigest()[:16],
        text=text,
        title=title,
        body_start=body_start,
        paper=_short_field(row, "paper"),
        date=parse_date(_text_field(row, "date")),
        page=page,
        section=_short_field(row, "section"),
        spans=_parse_spans(row.get("spans"), dropped),
        tagged_by=_short_field(row, TAGGED_BY) if TAGGED_BY in row else None,
        **byline,
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
    if bad := _NOT_TEXT.search(text):
        raise NerError(
            f"character U+{ord(bad[0]):04X} at {bad.start()} is not text",
            remedy="correct how the file was made",
        )


def _text_field(row: Row, name: str) -> str:
    value = row.get(name)
    if value is None:
        return ""
    is_number = isinstance(value, int) and not isinstance(value, bool)
    if isinstance(value, date) or (is_number and name not in _MUST_BE_TEXT):
        return str(value.date() if isinstance(value, datetime) else value)
    if not isinstance(value, str):
        raise NerError(
            f"field {name!r} is {type(value).__name__}, not text",
            remedy="write it as text: in JSON in quotation marks, in Excel in a cell of the format Text",
        )
    return value


def _short_field(row: Row, name: str) -> str:
    value = _text_field(row, name)
    if len(value) > MAX_FIELD:
        raise NerError(
            f"field {name!r} has {len(value):,} characters, over {MAX_FIELD}",
            remedy="is another field meant? `ner ingest --field` maps it",
        )
    if bad := _NOT_TEXT.search(value):
        raise NerError(
            f"field {name!r}: character U+{ord(bad[0]):04X} at {bad.start()} is not text",
            remedy="correct how the file was made",
        )
    return value


def _parse_spans(values: Any, dropped: Dropped | None) -> tuple[Span, ...]:
    if values is None:
        return ()
    if not isinstance(values, list | tuple):
        raise NerError(
            f"spans are {type(values).__name__}, not a list",
            remedy='"spans": [[start, end, label], …]',
        )
    spans = map(parse_span, values)
    return tuple(spans if dropped is None else distinct(spans, dropped))


def parse_span(value: Any) -> Span:
    """A span from ``[start, end, label]`` or ``{"start", "end", "label", …}``; a `Span` is one.

    Raises:
        NerError: it is neither, or a value is of another type: offsets are whole numbers.
    """
    if isinstance(value, Span):
        return value
    if isinstance(value, Mapping):
        parts = [value.get(name) for name in ("start", "end", "label")]
        more = parse_score(value.get("score", 1.0)), value.get("model", ""), value.get("text", "")
    elif isinstance(value, list | tuple) and len(value) == 3:
        parts, more = list(value), (1.0, "", "")
    else:
        raise NerError(
            f"{brief(value)} is not a span", remedy="write [start, end, label] or an object"
        )
    start, end, label = parts
    if not isinstance(label, str) or not all(isinstance(text, str) for text in more[1:]):
        raise NerError(f"{brief(value)} has a label, model or text that is not text")
    return Span(parse_offset(start), parse_offset(end), label, *more)


def parse_offset(value: Any) -> int:
    """An offset, which is a whole number.

    Raises:
        NerError: it is something else: 0.9, "2" and true are.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise NerError(
            f"offset {brief(value)} is not a whole number",
            remedy="offsets count code points: 0, 1, 2 …",
        )
    return value


def parse_score(value: Any) -> float:
    """A score: a number from 0 to 1.

    Raises:
        NerError: it is something else.
    """
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not math.isfinite(value) or not 0 <= value <= 1:
        raise NerError(f"score {brief(value)} is not a number from 0 to 1")
    return float(value)


def brief(value: Any) -> str:
    """A value for a message: one of any depth, cut where it is long."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):
        text = type(value).__name__
    return text if len(text) <= 80 else f"{text[:79]}…"


def article_or_rejected(row: Row, where: str, *, default_id: str = "") -> Item:
    """The article that a row is, or why it is none."""
    return item(
        lambda: make_article(row, default_id=default_id), where, row.get("id") or default_id
    )


def item(make: Callable[[], Article], where: str, known_id: Any = "") -> Item:
    """What `make` gives, knowing its place, or the `Rejected` that its error is.

    Args:
        where: the file and line, of the article and of an error that does not know its place.
        known_id: the id of an article that could not be made; of any type, as the file has it.
    """
    try:
        with at(where):
            return make().placed(where)
    except NerError as error:
        return Rejected.from_error(error, safe_id(known_id))


def safe_id(value: Any) -> str:
    """An id that a file gives, for a message: text without half surrogates and NULs, not too long."""
    text = value if isinstance(value, str) else str(value) if isinstance(value, int) else ""
    return _NOT_TEXT.sub("\ufffd", text[:MAX_FIELD])


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
        **{name: getattr(article, name) for name in BYLINE},
    }


def article_row(article: Article) -> dict[str, Any]:
    """An article as ``ner export`` writes it; of byline and `TAGGED_BY` what is known."""
    row = article_fields(article)
    return {
        **{name: row[name] for name in ("id", "title")},
        "text": article.text,
        "paper": article.paper,
        "date": row["date"] or None,
        **{name: row[name] for name in ("page", "section")},
        **{name: row[name] for name in BYLINE if row[name]},
        **({} if article.tagged_by is None else {TAGGED_BY: article.tagged_by or None}),
        "spans": [{**span_row(span, article.text), "model": span.model} for span in article.spans],
    }


def has_score(span: Span) -> bool:
    """True where a form that cannot represent scores and models drops something."""
    return bool(span.model) or span.score != 1


def distinct(spans: Iterable[Span], dropped: Dropped) -> list[Span]:
    """Spans of which none stands twice; those left out are counted."""
    every = list(spans)
    kept = list(dict.fromkeys(every))
    dropped["repeated spans"] += len(every) - len(kept)
    return kept


def dump(row: Mapping[str, Any]) -> str:
    """One JSON line, readable characters kept; half a surrogate pair is escaped, since UTF-8 has none.

    Raises:
        ValueError: a number is infinite or none (NaN), which JSON does not have.
    """
    line = json.dumps(row, ensure_ascii=False, allow_nan=False)
    try:
        line.encode("utf-8")
    except UnicodeEncodeError:
        line = json.dumps(row, allow_nan=False)
    return line + "\n"
