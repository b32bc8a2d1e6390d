"""The places of articles as rows: of a store's, or of JSON lines of the tagging contract."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, BinaryIO

from ner.article import Article, Span
from ner.errors import NerError, at
from ner.formats import json_lines, parse_span
from ner.places.lexicon import CODE_LENGTHS
from ner.places.link import Choice, Link, Linker, Mention

Row = dict[str, Any]
CUE = 2  # code points after a mention that say what it is: 黑龙江上游
# A paper is at home in the smallest division down to the county with so many of its places.
HOME_SHARE = 0.5
HOME_MENTIONS = 10  # fewer places do not tell


def link_article(linker: Linker, article: Article, *, home: Sequence[str] = ()) -> Iterator[Row]:
    """A row for every place of an article, in the order of its spans.

    Args:
        home: codes of divisions that the paper is at home in; by the paper's name if empty.
    """
    home = home or linker.leading(article.paper)[-1:]
    for link in _links(linker, article.spans, article.text, home):
        yield _row(linker, article.id, link)


def link_lines(
    linker: Linker, file: BinaryIO, name: str, *, home: Sequence[str] = ()
) -> Iterator[Row | NerError]:
    """The same for JSON lines as `ner tag` writes: ``{"id", "spans": [{"start", "end", "label", "text"}]}``.

    A line's ``text`` and ``paper`` are used where they are there. Spans without ``text`` need the line's.

    Returns:
        Rows; an error in the place of a line that is none of these, and the next lines go on.
    """
    for where, value in json_lines(file, name):
        try:
            if isinstance(value, NerError):
                raise value
            with at(where):
                yield from _link_line(linker, value, home)
        except NerError as error:
            yield error


def _link_line(linker: Linker, line: Row, home: Sequence[str]) -> list[Row]:
    if error := line.get("error"):
        raise NerError(f"was not tagged: {error}")
    given, text, paper = line.get("spans"), line.get("text"), line.get("paper")
    article = line.get("id")
    if not isinstance(article, str | int) or isinstance(article, bool):
        raise NerError("no 'id', or it is not text", remedy='{"id": "…", "spans": […]}')
    if not isinstance(given, list):
        raise NerError("no 'spans'", remedy="tag the articles first: ner tag --input")
    text = text if isinstance(text, str) else ""
    spans = [parse_span(span) for span in given]
    for span in spans:
        if not span.text and not text[span.start : span.end]:
            raise NerError(
                f"span {span.start}:{span.end} has no text",
                remedy='give each span its "text", or the line its "text"',
            )
    home = home or (linker.leading(paper)[-1:] if isinstance(paper, str) else ())
    return [_row(linker, article, link) for link in _links(linker, spans, text, home)]


def _links(linker: Linker, spans: Iterable[Span], text: str, home: Sequence[str]) -> list[Link]:
    def surface(span: Span) -> str:
        return span.text or text[span.start : span.end]

    spans = sorted(spans)
    mentions = [
        Mention(span.start, span.end, surface(span), text[span.end : span.end + CUE])
        for span in spans
        if span.label == "LOC"
    ]
    bodies = [surface(span) for span in spans if span.label == "ORG"]
    return linker.link(mentions, bodies=bodies, home=home)


def _row(linker: Linker, article: str | int, link: Link) -> Row:
    mention = link.mention
    return {
        "article": article,
        "start": mention.start,
        "end": mention.end,
        "text": mention.text,
        "code": link.best.code,
        "path": _path(linker, link.best),
        "score": link.best.score,
        "others": [
            {"code": other.code, "path": _path(linker, other), "score": other.score}
            for other in link.others
        ],
    }


def _path(linker: Linker, choice: Choice) -> list[str]:
    division = linker.lexicon.upper(choice.code) if choice.code else None
    return linker.lexicon.path(division) if division else []


def home_of(linker: Linker, articles: Iterable[Article]) -> list[str]:
    """Where a paper is at home, by some of its articles: no code, or one of a province, city or county."""
    counts: Counter[str] = Counter()
    for article in articles:
        for link in _links(linker, article.spans, article.text, ()):
            if link.best.code:
                counts.update({link.best.code[:length] for length in CODE_LENGTHS[:3]})
                counts[""] += 1
    if counts[""] < HOME_MENTIONS:
        return []
    held = [code for code in counts if code and counts[code] >= HOME_SHARE * counts[""]]
    return [max(held, key=len)] if held else []
