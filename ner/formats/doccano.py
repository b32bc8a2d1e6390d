"""doccano's files: what its sequence labelling projects import and export.

Its page is JavaScript, and its database keeps the offsets as the page counts them: UTF-16 units
(doccano issue 2290). So do the files. A project that counts grapheme clusters is not for us.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from ner.article import Article, Span, outside_in
from ner.errors import NerError
from ner.formats.jsonl import read_lines
from ner.formats.rows import (
    UNCOUNTED,
    Item,
    Lost,
    Row,
    article_fields,
    count_unknown,
    dump,
    has_score,
    make_article,
)
from ner.formats.source import Part, Source
from ner.formats.utf16 import from_utf16, utf16_edges

_THEIRS = ("data", "label", "labels", "entities", "scores", "relations", "comments", "Comments")


def read_doccano(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """``{"id", "text", "label": [[start, end, label], …]}`` a line, or with ``entities`` objects.

    What doccano was given beside the text (title, paper, date …) it exports as fields of the line, and
    so they come back. Relations and comments have no place in an article: left out and counted.
    """

    def make(row: Row) -> Article:
        text = row.get("text", row.get("data"))
        if not isinstance(text, str):
            raise NerError(
                "no 'text', or it is not text", remedy="export the project as JSONL, or as relation"
            )
        listed = row.get("entities", row.get("label", row.get("labels"))) or []
        spans = from_utf16(text, map(_parse_span, listed))
        scores = {tuple(scored[:3]): scored[3:] for scored in row.get("scores") or ()}
        edges = utf16_edges(text)
        known = [
            Span(s.start, s.end, s.label, *scores.get((edges[s.start], edges[s.end], s.label), ()))
            for s in spans
        ]
        count_unknown(row, (*_THEIRS, *fields.values()), lost)
        lost["relations"] += len(row.get("relations") or ())
        lost["comments"] += len(row.get("Comments") or row.get("comments") or ())
        return make_article({**row, "text": text, "spans": known})

    return read_lines(source, make, fields)


def _parse_span(value: Any) -> Span:
    try:
        if isinstance(value, Mapping):
            return Span(int(value["start_offset"]), int(value["end_offset"]), str(value["label"]))
        start, end, label = value
        return Span(int(start), int(end), str(label))
    except (KeyError, TypeError, ValueError):
        raise NerError(
            f"{value!r} is no span of doccano",
            remedy="[start, end, label], or start_offset, end_offset and label",
        ) from None


def write_doccano(articles: Iterable[Article], lost: Lost = UNCOUNTED) -> Iterator[Part]:
    """For import as JSONL, with overlapping spans allowed in the project, else it drops inner spans.

    Scores and models go along as metadata and come back to the spans that nobody changed.
    """
    for article in articles:
        yield Part(dump({**_common(article), "label": _spans(article)}).encode())


def write_doccano_relations(articles: Iterable[Article], lost: Lost = UNCOUNTED) -> Iterator[Part]:
    """The same for a project with relations: spans as ``entities``, and no ``relations``."""
    for article in articles:
        entities = [
            {"id": number, "start_offset": start, "end_offset": end, "label": label}
            for number, (start, end, label) in enumerate(_spans(article))
        ]
        yield Part(dump({**_common(article), "entities": entities, "relations": []}).encode())


def _common(article: Article) -> dict[str, Any]:
    # Every line has every field: doccano reads lines as a table and fills gaps with NaN.
    edges = utf16_edges(article.text)
    scores = [
        [edges[span.start], edges[span.end], span.label, round(span.score, 4), span.model]
        for span in outside_in(article.spans)
        if has_score(span)
    ]
    return {**article_fields(article), "text": article.text, "scores": scores}


def _spans(article: Article) -> list[tuple[int, int, str]]:
    edges = utf16_edges(article.text)
    return [(edges[s.start], edges[s.end], s.label) for s in outside_in(article.spans)]
