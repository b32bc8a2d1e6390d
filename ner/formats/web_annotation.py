"""W3C Web Annotation, as JSON-LD: an AnnotationPage an article, a line a page.

A span has two selectors: its position, in code points as the recommendation says (Web Annotation Data
Model, 2017, section 4.2.5), and its quote with what stands before and behind.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote

from ner.article import Article, Span, outside_in
from ner.errors import NerError
from ner.formats.jsonl import read_lines
from ner.formats.rows import (
    UNCOUNTED,
    Item,
    Lost,
    article_fields,
    dump,
    has_score,
    item,
    make_article,
    rename,
)
from ner.formats.source import Part, Source, decode
from ner.formats.utf16 import from_utf16

CONTEXT = ["http://www.w3.org/ns/anno.jsonld", {"ner": "urn:ner:"}]
AROUND = 16
"""Code points of prefix and suffix."""

_TERMS = {
    "id": "dcterms:identifier",
    "title": "dcterms:title",
    "paper": "dcterms:isPartOf",
    "date": "dcterms:date",
    "page": "ner:page",
    "section": "ner:section",
}


def read_web_annotation(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """Pages a line, or a file that is one page. The text must be in it, as ``ner:source``.

    Where a position and a quote disagree, the position is tried in UTF-16 units, as a browser may have
    counted, then the quote is looked for. Annotations without a label in their body are left out and
    counted.
    """

    def make(page: Mapping[str, Any]) -> Article:
        return _article(page, fields, lost)

    try:
        whole = json.loads(decode(source.data))
    except (ValueError, RecursionError, NerError):
        yield from read_lines(source, make)
    else:
        yield item(partial(make, whole), source.name)


def _article(page: Mapping[str, Any], fields: Mapping[str, str], lost: Lost) -> Article:
    try:
        about = page["ner:source"]
        text = about["value"]
        row = {ours: about.get(term, "") for ours, term in _TERMS.items()}
        spans = [span for note in page["items"] for span in _spans(note, text, lost)]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise NerError(
            f"no AnnotationPage with its text ({error})",
            remedy='{"type": "AnnotationPage", "ner:source": {"value": text}, "items": […]}',
        ) from None
    return make_article({**rename(row, fields), "text": text, "spans": spans})


def _spans(note: Mapping[str, Any], text: str, lost: Lost) -> Iterator[Span]:
    labels = [
        body["value"]
        for body in _list(note.get("body"))
        if body.get("purpose", note.get("motivation")) in ("tagging", "classifying")
    ]
    lost["annotations without a label"] += not labels
    maker = note.get("creator") or {}
    model = maker.get("name", "") if maker.get("type") == "Software" else ""
    for label in labels:
        start, end = _place(note["target"], text)
        yield Span(start, end, label, float(note.get("ner:score", 1.0)), model)


def _place(target: Mapping[str, Any], text: str) -> tuple[int, int]:
    selectors = {selector["type"]: selector for selector in _list(target["selector"])}
    quoted = selectors.get("TextQuoteSelector")
    exact = quoted["exact"] if quoted else None
    position = selectors.get("TextPositionSelector")
    if position:
        start, end = int(position["start"]), int(position["end"])
        if exact is None or text[start:end] == exact:
            return start, end
        try:
            [span] = from_utf16(text, [Span(start, end, "LOC")])
        except NerError:
            pass
        else:
            if text[span.start : span.end] == exact:
                return span.start, span.end
    if quoted is None or exact is None:
        raise NerError("neither a position nor a quote", remedy="a TextPositionSelector")
    return _find(quoted, text)


def _find(quoted: Mapping[str, str], text: str) -> tuple[int, int]:
    before, exact, behind = (quoted.get(name, "") for name in ("prefix", "exact", "suffix"))
    pattern = f"(?<={re.escape(before)}){re.escape(exact)}(?={re.escape(behind)})"
    found = [match.span() for match in re.finditer(pattern, text)]
    if len(found) != 1 or not exact:
        raise NerError(
            f"the quote {exact!r} stands {len(found)} times in the text",
            remedy="give a position, or a longer prefix and suffix",
        )
    return found[0]


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def write_web_annotation(articles: Iterable[Article], lost: Lost = UNCOUNTED) -> Iterator[Part]:
    """Loses nothing: text and fields are the page's ``ner:source``, a model is the ``creator``."""
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
