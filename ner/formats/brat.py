"""brat's standoff: an article is NAME.txt, NAME.ann and, beside them, its fields in NAME.json.

brat counts code points into the text with its line ends as they are, and reads only the first two
files. Its annotations know no score: that and the model are a note on the span.
"""

import itertools
import re
from collections.abc import Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from ner.article import Article, Span, outside_in
from ner.errors import NerError, at
from ner.formats.jsonl import parse_json
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
from ner.formats.source import Part, Source

_SPAN = re.compile(r"(\S+) (\d+ \d+(?:;\d+ \d+)*)")
_SCORED = re.compile(r"score ([\d.]+) model ?(.*)")
_OTHERS = {"R": "relations", "E": "events", "A": "attributes", "M": "attributes", "*": "relations"}


def read_brat(
    source: Source, fields: Mapping[str, str] = {}, lost: Lost = UNCOUNTED
) -> Iterator[Item]:
    """A text with the annotations beside it; none where there is no .ann.

    brat splits a span at a line end into pieces: these are joined again. Other discontinuous spans
    are an error. Relations, events, attributes and people's notes are left out and counted.
    """
    yield item(lambda: _article(source, fields, lost), source.name, source.stem)


def _article(source: Source, fields: Mapping[str, str], lost: Lost) -> Article:
    path = Path(source.name)
    # Not `decode`: to brat a byte order mark is a character, and counts.
    text = _utf8(source.data, source.name)
    row = {"id": source.stem, "title": ""}
    beside = path.with_suffix(".json")
    if beside.is_file():
        with at(str(beside)):
            row |= rename(parse_json(_utf8(beside.read_bytes(), str(beside))), fields)
    annotations = path.with_suffix(".ann")
    lines = _utf8(annotations.read_bytes(), str(annotations)) if annotations.is_file() else ""
    return make_article({**row, "text": text, "spans": _spans(lines, str(annotations), text, lost)})


def _utf8(data: bytes, name: str) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise NerError(
            f"not UTF-8 (byte {error.start})", where=name, remedy="brat knows no other encoding"
        ) from None


def _spans(lines: str, name: str, text: str, lost: Lost) -> list[Span]:
    spans: dict[str, Span] = {}
    scores: dict[str, tuple[float, str]] = {}
    for number, line in enumerate(lines.split("\n"), 1):
        mark, *rest = line.rstrip("\r").split("\t", 2)
        with at(f"{name}:{number}"):
            if mark.startswith("T"):
                spans[mark] = _span(rest, text)
            elif mark.startswith("#") and (note := _SCORED.fullmatch(rest[-1] if rest else "")):
                scores[rest[0].rpartition(" ")[2]] = float(note[1]), note[2]
            elif mark.startswith("#"):
                lost["notes"] += 1
            elif mark:
                lost[_OTHERS.get(mark[0], "other annotations")] += 1
    return [Span(s.start, s.end, s.label, *scores.get(mark, ())) for mark, s in spans.items()]


def _span(rest: list[str], text: str) -> Span:
    match = _SPAN.fullmatch(rest[0]) if len(rest) == 2 else None
    if match is None:
        raise NerError("no text-bound annotation", remedy="T1, tab, LABEL START END, tab, the text")
    pieces = [tuple(map(int, piece.split(" "))) for piece in match[2].split(";")]
    for (_, before), (after, _) in itertools.pairwise(pieces):
        if text[before:after].strip("\r\n"):
            raise NerError(
                f"discontinuous span {match[2]}", remedy="a name is one stretch; mark it whole"
            )
    span = Span(pieces[0][0], pieces[-1][1], match[1])
    said, there = rest[1], " ".join(text[start:end] for start, end in pieces)
    if said != _one_line(there):
        raise NerError(
            f"{said!r} is not what stands there: {there!r}",
            remedy="was the text changed after it was annotated? offsets are code points",
        )
    return span


def _one_line(text: str) -> str:
    return re.sub(r"[\r\n]", " ", text)


def write_brat(articles: Iterable[Article], lost: Lost = UNCOUNTED) -> Iterator[Part]:
    """Three files an article. Loses nothing; brat itself shows neither the fields nor NAME.json.

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
        said = _one_line(" ".join(article.text[start:end] for start, end in pieces))
        yield f"T{number}\t{span.label} {places}\t{said}\n"
        if has_score(span):
            notes += 1
            score = f"score {round(span.score, 4)} model {span.model}"
            yield f"#{notes}\tAnnotatorNotes T{number}\t{score}\n"


_PIECES = re.compile(r"[^\r\n]+")
