"""doccano's files: what its sequence labelling projects import and export.

Its page is JavaScript, and its database keeps the offsets as the page counts them: UTF-16 units
(doccano issue 2290). So do the files. A project that counts grapheme clusters is not for us.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from ner.article import Article, Span, outside_in
from ner.errors import NerError, at
from ner.formats.fields import UNCOUNTED, Dropped, Row, count_unknown
from ner.formats.jsonl import read_array, read_lines
from ner.formats.rows import Item, article_fields, brief, dump, has_score, make_article, parse_span
from ner.formats.source import Part, Source
from ner.formats.utf16 import from_utf16, utf16_edges

_SPANS = ("entities", "label", "labels", "annotations")
_THEIRS = ("data", *_SPANS, "scores", "relations", "comments", "Comments")


def is_doccano(row: Row) -> bool:
    """True for an object that holds spans as doccano's exports do."""
    listed = _listed(row)
    if "annotations" in row and listed is row["annotations"]:  # which other tools have, too
        return bool(_is_list_of(dict, listed) and listed and "start_offset" in listed[0])
    return _is_list_of(list | dict, listed)


def _listed(row: Row) -> Any:
    return next((row[name] for name in _SPANS if row.get(name) is not None), None)


def _is_list_of(kind: Any, values: Any) -> bool:
    return isinstance(values, list) and all(isinstance(value, kind) for value in values)


def read_doccano(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """``{"id", "text", "label": [[start, end, label], …]}`` a line, or with ``entities`` objects.

    In exports of before 1.5 these are ``annotations``. An array of such objects is read as well.

    What doccano was given beside the text (title, paper, date …) it exports as fields of the line, and
    so they come back. An article cannot represent relations and comments: they are left out and counted.
    """

    with at(source.name):
        in_array = source.beginning.startswith("[")
    return (read_array if in_array else read_lines)(
        source, partial(_article, dropped=dropped), fields
    )


def _article(row: Row, *, dropped: Dropped) -> Article:
    text = row.get("text", row.get("data"))
    if not isinstance(text, str):
        raise NerError(
            "no 'text', or it is not text", remedy="export the project as JSONL, or as relation"
        )
    spans = from_utf16(text, map(_parse_span, _list(_listed(row), "spans")))
    edges = utf16_edges(text)
    scores = dict(map(_parse_score, _list(row.get("scores"), "scores")))
    known = [
        replace(span, score=score, model=model)
        for span in spans
        for score, model in [
            scores.get((edges[span.start], edges[span.end], span.label), (1.0, ""))
        ]
    ]
    count_unknown(row, _THEIRS, dropped)
    dropped["relations"] += _count(row.get("relations"))
    dropped["comments"] += _count(row.get("Comments") or row.get("comments"))
    return make_article({**row, "text": text, "spans": known}, dropped=dropped)


def _list(value: Any, what: str) -> list[Any]:
    if value is not None and not isinstance(value, list):
        raise NerError(
            f"the {what} are {type(value).__name__}, not a list", remedy="export the project again"
        )
    return value or []


def _count(value: Any) -> int:
    """How many relations or comments: a list of them, their number, or one."""
    if isinstance(value, list):
        return len(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return max(min(value, 1_000_000), 0)
    return int(bool(value))


def _parse_span(value: Any) -> Span:
    parts = value
    if isinstance(value, Mapping) and "start_offset" in value:
        parts = [value.get(name) for name in ("start_offset", "end_offset", "label")]
    if not isinstance(parts, list) or len(parts) != 3:
        raise NerError(
            f"{brief(value)} is not a span of doccano",
            remedy="[start, end, label], or start_offset, end_offset and label",
        )
    if isinstance(parts[2], int):
        raise NerError(
            f"label {parts[2]} is a number, not a name",
            remedy="export as JSONL with the labels as text",
        )
    return parse_span(parts)


def _parse_score(value: Any) -> tuple[tuple[int, int, str], tuple[float, str]]:
    """What a line of ours says of a span: its offsets and label, and its score and model."""
    if not isinstance(value, list) or len(value) != 5:
        raise NerError(f"{brief(value)} is not a score", remedy="[start, end, label, score, model]")
    span = parse_span(dict(zip(("start", "end", "label", "score", "model"), value)))
    return (span.start, span.end, span.label), (span.score, span.model)


def write_doccano(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """For import as JSONL, with overlapping spans allowed in the project, else it drops inner spans.

    Scores and models go along as metadata and come back to the spans that nobody changed.
    """
    for article in articles:
        yield Part(dump({**_common(article), "label": _spans(article)}).encode())


def write_doccano_relations(
    articles: Iterable[Article], dropped: Dropped = UNCOUNTED
) -> Iterator[Part]:
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
