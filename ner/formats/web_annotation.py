"""W3C Web Annotation, as JSON-LD: an AnnotationPage an article, a line a page.

A span has two selectors: its position, in code points as the recommendation says (Web Annotation Data
Model, 2017, section 4.2.5), and its quote with what stands before and behind.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cached_property, partial
from typing import Any
from urllib.parse import quote

from ner.article import Article, Span, outside_in
from ner.errors import NerError
from ner.formats.fields import UNCOUNTED, Dropped, rename
from ner.formats.jsonl import load_json, read_lines
from ner.formats.rows import (
    Item,
    article_fields,
    brief,
    check_text,
    dump,
    has_score,
    item,
    make_article,
    parse_offset,
    parse_span,
)
from ner.formats.source import Part, Source
from ner.formats.utf16 import utf16_edges

CONTEXT = ["http://www.w3.org/ns/anno.jsonld", {"ner": "urn:ner:"}]
AROUND = 16
"""Code points of prefix and suffix."""
_MAX_SEARCHED = 2_000_000_000  # code points looked through for the quotes of an article

_TERMS = {
    "id": "dcterms:identifier",
    "title": "dcterms:title",
    "paper": "dcterms:isPartOf",
    "date": "dcterms:date",
    "page": "ner:page",
    "section": "ner:section",
    "overtitle": "dcterms:alternative",
    "author": "dcterms:creator",
    "editor": "ner:editor",
    "continued_from": "ner:continuedFrom",
    "continued_on": "ner:continuedOn",
}


def read_web_annotation(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """Pages a line, or a file that is one page. The text must be in it, as ``ner:source``.

    Where a position and a quote disagree, the position is tried in UTF-16 units, as a browser may have
    counted, then the quote is looked for. Annotations without a label in their body are left out and
    counted.
    """
    make = partial(_article, fields=fields, dropped=dropped)
    try:
        whole = load_json(source.text)
    except NerError:
        yield from read_lines(source, make)
    else:
        yield item(partial(make, whole), source.name)


def _article(page: Any, *, fields: Mapping[str, str], dropped: Dropped) -> Article:
    try:
        about = page["ner:source"]
        text = about["value"]
        check_text(text)
        row = {ours: about.get(term, "") for ours, term in _TERMS.items()}
        find = _Finder(text)
        spans = [span for note in page["items"] for span in _spans(note, find, dropped)]
    except (KeyError, TypeError, ValueError, AttributeError, IndexError) as error:
        raise NerError(
            f"no AnnotationPage with its text ({brief(str(error))})",
            remedy='{"type": "AnnotationPage", "ner:source": {"value": text}, "items": […]}',
        ) from None
    row = {**rename(row, fields), "text": text, "spans": spans}
    return make_article(row, dropped=dropped)


def _spans(note: Mapping[str, Any], find: "_Finder", dropped: Dropped) -> Iterator[Span]:
    labels = [
        body["value"]
        for body in _list(note.get("body"))
        if body.get("purpose", note.get("motivation")) in ("tagging", "classifying")
    ]
    dropped["annotations without a label"] += not labels
    maker = note.get("creator") or {}
    model = maker.get("name", "") if maker.get("type") == "Software" else ""
    for label in labels:
        start, end = find.place(note["target"])
        yield parse_span(
            {
                "start": start,
                "end": end,
                "label": label,
                "score": note.get("ner:score", 1.0),
                "model": model,
            }
        )


class _Finder:
    """Where the selectors of annotations stand in a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._searched = 0

    @cached_property
    def _points(self) -> dict[int, int]:
        """UTF-16 units to code points."""
        return {unit: point for point, unit in enumerate(utf16_edges(self._text))}

    def place(self, target: Mapping[str, Any]) -> tuple[int, int]:
        """The offsets of a target: by its position, its quote, or a range between two selectors.

        Raises:
            NerError: it has none of them, or its quote is not in the text, or more than once.
        """
        selectors = {selector["type"]: selector for selector in _list(target["selector"])}
        quoted = selectors.get("TextQuoteSelector")
        position = selectors.get("TextPositionSelector")
        exact = quoted["exact"] if quoted else None
        if exact is not None and not isinstance(exact, str):
            raise NerError(f"the quote {brief(exact)} is not text")
        if position:
            start, end = parse_offset(position["start"]), parse_offset(position["end"])
            units = self._points.get(start, -1), self._points.get(end, -1)
            if exact is None or self._text[start:end] == exact:
                return start, end
            if units[0] >= 0 and self._text[units[0] : units[1]] == exact:
                return units
        if quoted:
            return self._find(quoted)
        if span := selectors.get("RangeSelector"):
            # The range ends where the selection of its second selector begins (section 4.2.9).
            first, _ = self.place({"selector": span["startSelector"]})
            last, _ = self.place({"selector": span["endSelector"]})
            return first, last
        raise NerError(
            "neither a position, a quote nor a range of them", remedy="a TextPositionSelector"
        )

    def _find(self, quoted: Mapping[str, str]) -> tuple[int, int]:
        before, exact, behind = (quoted.get(name, "") for name in ("prefix", "exact", "suffix"))
        context = before + exact + behind
        found: list[int] = []
        start = self._text.find(context) if exact else -1
        while start >= 0 and len(found) < 2:
            found.append(start + len(before))
            start = self._text.find(context, start + 1)
        self._searched += len(self._text)
        if self._searched > _MAX_SEARCHED:
            raise NerError(
                "too many quotes without a position for a text of this length",
                remedy="give a TextPositionSelector with each",
            )
        if len(found) != 1:
            times = "more than once" if found else "not"
            raise NerError(
                f"the quote {brief(exact)} stands {times} in the text",
                remedy="give a position, or a longer prefix and suffix",
            )
        return found[0], found[0] + len(exact)


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def write_web_annotation(
    articles: Iterable[Article], dropped: Dropped = UNCOUNTED
) -> Iterator[Part]:
    """Drops nothing: text and fields are the page's ``ner:source``, a model is the ``creator``."""
    for article in articles:
        yield Part(dump(_page(article)).encode())


def _page(article: Article) -> dict[str, Any]:
    name = f"urn:ner:article:{quote(article.id, safe='')}"
    about = {_TERMS[ours]: value for ours, value in article_fields(article).items() if value}
    return {
        "@context": CONTEXT,
        "id": f"{name}:annotations",
        "type": "AnnotationPage",
        "ner:source": {
            "id": name,
            "type": "Text",
            "format": "text/plain",
            "language": "zh",
            **about,
            "value": article.text,
        },
        "items": [
            _annotation(article.text, name, number, span)
            for number, span in enumerate(outside_in(article.spans), 1)
        ],
    }


def _annotation(text: str, name: str, number: int, span: Span) -> dict[str, Any]:
    made = {"ner:score": round(span.score, 4)} if has_score(span) else {}
    by = {"creator": {"type": "Software", "name": span.model}} if span.model else {}
    return {
        "id": f"{name}:span:{number}",
        "type": "Annotation",
        "motivation": "tagging",
        "body": {"type": "TextualBody", "purpose": "tagging", "value": span.label},
        "target": {
            "source": name,
            "selector": [
                {"type": "TextPositionSelector", "start": span.start, "end": span.end},
                {
                    "type": "TextQuoteSelector",
                    "exact": text[span.start : span.end],
                    "prefix": text[max(span.start - AROUND, 0) : span.start],
                    "suffix": text[span.end : span.end + AROUND],
                },
            ],
        },
        **made,
        **by,
    }
