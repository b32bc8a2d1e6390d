"""brat's standoff: an article is NAME.txt, NAME.ann and, beside them, its fields in NAME.json.

brat counts code points into the text with its line ends as they are, and reads only the first two
files. Its annotations have no score: that and the model are a note on the span.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from ner.article import Article, Span, outside_in
from ner.errors import NerError, at
from ner.formats.fields import UNCOUNTED, Dropped, rename
from ner.formats.jsonl import parse_json
from ner.formats.rows import (
    Item,
    article_fields,
    brief,
    dump,
    has_score,
    item,
    make_article,
    parse_score,
)
from ner.formats.source import Part, Source
from ner.formats.utf16 import place_quoted

_SPAN = re.compile(r"(\S+) (\d{1,15} \d{1,15}(?:;\d{1,15} \d{1,15})*)")
_SCORED = re.compile(r"score ([\d.]{1,30}) model ?(.*)")
_OTHERS = {"R": "relations", "E": "events", "A": "attributes", "M": "attributes", "*": "relations"}


def read_brat(
    source: Source, fields: Mapping[str, str] = {}, dropped: Dropped = UNCOUNTED
) -> Iterator[Item]:
    """A text with the annotations beside it; none where there is no .ann.

    brat splits a span at a line end into pieces: these are joined again. Other discontinuous spans
    are an error. Relations, events, attributes and people's notes are left out and counted.
    """
    yield item(lambda: _article(source, fields, dropped), source.name, source.default_id)


def _article(source: Source, fields: Mapping[str, str], dropped: Dropped) -> Article:
    path = source.path or Path(source.name)
    # Not `decode`: to brat a byte order mark is a character, and counts.
    text = _utf8(source.data, source.name)
    row = {"id": source.default_id, "title": ""}
    beside = path.with_suffix(".json")
    if beside.is_file():
        with at(str(beside)):
            row |= rename(parse_json(_utf8(_bytes(beside), str(beside))), fields)
    annotations = path.with_suffix(".ann")
    lines = _utf8(_bytes(annotations), str(annotations)) if annotations.is_file() else ""
    spans = _spans(lines.removeprefix("\ufeff"), str(annotations), text, dropped)
    return make_article({**row, "text": text, "spans": spans}, dropped=dropped)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise NerError(f"cannot be read: {error.strerror}", where=str(path)) from None


def _utf8(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NerError(
            f"not UTF-8 (byte {error.start})", where=name, remedy="brat knows no other encoding"
        ) from None


def _spans(lines: str, name: str, text: str, dropped: Dropped) -> list[Span]:
    spans: dict[str, tuple[Span, list[tuple[int, int]], str]] = {}
    scores: dict[str, tuple[float, str]] = {}
    for number, line in enumerate(lines.split("\n"), 1):
        mark, *rest = line.rstrip("\r").split("\t", 2)
        where = f"{name}:{number}"
        with at(where):
            if mark.startswith("T"):
                spans[mark] = (*_span(rest), where)
            elif mark.startswith("#") and (note := _SCORED.fullmatch(rest[-1] if rest else "")):
                scores[rest[0].rpartition(" ")[2]] = _score(note[1]), note[2]
            elif mark.startswith("#"):
                dropped["notes"] += 1
            elif mark:
                dropped[_OTHERS.get(mark[0], "other annotations")] += 1
    placed = _place([span for span, _, _ in spans.values()], text)
    for span, (drawn, pieces, where) in zip(placed, spans.values()):
        with at(where):
            _check(span, drawn, pieces, text)
    return [
        Span(span.start, span.end, span.label, *scores.get(mark, ()))
        for span, mark in zip(placed, spans)
    ]


def _score(text: str) -> float:
    try:
        return parse_score(float(text))
    except ValueError:
        raise NerError(f"score {text!r} is not a number from 0 to 1") from None


def _span(rest: list[str]) -> tuple[Span, list[tuple[int, int]]]:
    """A text-bound annotation: from its first piece to its last, with the text that it quotes."""
    match = _SPAN.fullmatch(rest[0]) if len(rest) == 2 else None
    if match is None:
        raise NerError(
            f"{brief(rest)} is not a text-bound annotation",
            remedy="T1, tab, LABEL START END, tab, the text",
        )
    pieces = []
    for piece in match[2].split(";"):
        start, end = piece.split(" ")
        pieces.append((int(start), int(end)))
    return Span(pieces[0][0], pieces[-1][1], match[1], text=rest[1]), pieces


def _place(spans: list[Span], text: str) -> list[Span]:
    """Spans at their places, where a text with ``\\r\\n`` was annotated as if it had ``\\n``."""
    if "\r\n" in text and spans:
        try:
            return place_quoted(text, spans)
        except NerError:
            pass  # said of the span that does not fit
    return spans


def _check(span: Span, drawn: Span, pieces: list[tuple[int, int]], text: str) -> None:
    moved = span.start - drawn.start, span.end - drawn.end
    for (_, before), (after, _) in itertools.pairwise(pieces):
        between = text[before:after] if moved == (0, 0) else ""
        if after < before or between.strip("\r\n"):
            raise NerError(
                f"discontinuous span {';'.join(f'{a} {b}' for a, b in pieces[:9])}",
                remedy="a name is one stretch; annotate it whole",
            )
    quoted, there = drawn.text, " ".join(text[start:end] for start, end in pieces)
    if moved != (0, 0):
        return  # placed by what it quotes
    if quoted != _one_line(there):
        raise NerError(
            f"{brief(quoted)} is not what stands there: {brief(there)}",
            remedy="was the text changed after it was annotated? offsets are code points",
        )


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]", " ", text)


def write_brat(articles: Iterable[Article], dropped: Dropped = UNCOUNTED) -> Iterator[Part]:
    """Three files an article. Drops nothing; brat itself shows neither the fields nor NAME.json.

    Raises:
        NerError: two articles have one id.
    """
    names: set[str] = set()
    for article in articles:
        name = _file_name(article.id)
        if name in names:
            raise NerError(f"article {article.id} comes twice", remedy="ner corpus merge first")
        names.add(name)
        yield Part(article.text.encode(), f"{name}.txt")
        yield Part("".join(_lines(article)).encode(), f"{name}.ann")
        yield Part(dump(article_fields(article)).encode(), f"{name}.json")


def _file_name(article_id: str) -> str:
    plain = re.fullmatch(r"\w[\w.-]{0,79}", article_id, re.ASCII)
    return article_id if plain else sha256(article_id.encode("utf-8", "replace")).hexdigest()[:16]


def _lines(article: Article) -> Iterator[str]:
    notes = 0
    for number, span in enumerate(outside_in(article.spans), 1):
        surface = article.surface(span)
        pieces = [(span.start + m.start(), span.start + m.end()) for m in _PIECES.finditer(surface)]
        if not pieces or (pieces[0][0], pieces[-1][1]) != (span.start, span.end):
            pieces = [(span.start, span.end)]  # it begins or ends with a line end
        places = ";".join(f"{start} {end}" for start, end in pieces)
        quoted = _one_line(" ".join(article.text[start:end] for start, end in pieces))
        yield f"T{number}\t{span.label} {places}\t{quoted}\n"
        if has_score(span):
            notes += 1
            score = f"score {round(span.score, 4)} model {span.model}"
            yield f"#{notes}\tAnnotatorNotes T{number}\t{score}\n"


_PIECES = re.compile(r"[^\r\n]+")
