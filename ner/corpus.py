"""Articles with spans as data: read, check, count.

A corpus is JSONL, an article a line: ``{"id", "title", "text", …, "spans": [[start, end, label], …]}``.
"""

import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from ner.article import Article, Rejected, Span
from ner.errors import NerError, at
from ner.formats import json_lines, open_source, read_jsonl

QUOTED = re.compile(r"“([^“”\n]+)”|‘([^‘’\n]+)’|「([^「」\n]+)」|『([^『』\n]+)』|\"([^\"\n]+)\"")
"""A string between quotation marks; one group holds it."""

_SENTENCE = re.compile(r"(?:[^。！？!?\n]+[。！？!?]*|[。！？!?]+)[”’」』）]*")


@dataclass(frozen=True, slots=True)
class Example:
    """What the network learns from: a text, its spans, and how much of that is known.

    ``known`` is None where all is known (an annotated article). Else it is the one quoted string whose
    class is known: a BRAND or not; of the rest of the text nothing is said.
    """

    text: str
    spans: tuple[Span, ...]
    known: tuple[int, int] | None = None


def read(paths: Iterable[str | Path]) -> Iterator[Article]:
    """The articles of annotated files, in order.

    Raises:
        NerError: a line cannot be read; an annotated corpus must be whole.
    """
    for path in paths:
        for item in read_jsonl(open_source(Path(path))):
            if isinstance(item, Rejected):
                raise NerError(item.why, where=item.where, remedy=item.remedy)
            yield item


def examples(articles: Iterable[Article]) -> list[Example]:
    """All of each article is known."""
    return [Example(article.text, article.spans) for article in articles]


def read_quotes(path: str | Path) -> Iterator[Example]:
    """Contexts of quoted strings, each string with its class (``BRAND`` or another).

    A line is ``{"string", "class", "contexts": […]}``; a context holds the string between “ and ”.

    Raises:
        NerError: a line cannot be read.
    """
    source = open_source(Path(path))
    for where, row in json_lines(io.BytesIO(source.data.rstrip()), source.name):
        with at(where):
            if isinstance(row, NerError):
                raise row
            try:
                string, kind, contexts = row["string"], row["class"], row["contexts"]
            except KeyError as error:
                raise NerError(f"has no field {error}") from None
        for context in contexts:
            start = context.find(f"“{string}”") + 1
            if start:
                known = (start, start + len(string))
                spans = (Span(*known, "BRAND"),) if kind == "BRAND" else ()
                yield Example(context, spans, known)


def quoted(text: str) -> Iterator[tuple[int, int]]:
    """Where the strings between quotation marks stand, without the marks; outer before inner."""
    for match in QUOTED.finditer(text):
        start, end = match.span(match.lastindex or 0)
        yield start, end
        yield from ((start + low, start + high) for low, high in quoted(text[start:end]))


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of a text stand, with their end marks and without blanks around them.

    A line end ends one too. What stands between them is blank.
    """
    for match in _SENTENCE.finditer(text):
        sentence = match[0].strip()
        if sentence:
            start = text.index(sentence, match.start())
            yield start, start + len(sentence)


@dataclass(frozen=True)
class Statistics:
    """What a corpus holds. ``quoted_brands`` are quoted strings that are exactly a BRAND."""

    articles: int
    characters: int
    labels: Counter[str]
    nested: int
    quoted: int
    quoted_brands: int


def statistics(articles: Sequence[Article]) -> Statistics:
    """Count what a corpus holds."""
    labels = Counter(span.label for article in articles for span in article.spans)
    strings = [(a, place) for a in articles for place in quoted(a.text)]
    brands = sum(
        any((s.start, s.end) == place and s.label == "BRAND" for s in a.spans)
        for a, place in strings
    )
    nested = sum(
        any(outer.holds(inner) and outer != inner for outer in article.spans)
        for article in articles
        for inner in article.spans
    )
    characters = sum(len(article.text) for article in articles)
    return Statistics(len(articles), characters, labels, nested, len(strings), brands)
