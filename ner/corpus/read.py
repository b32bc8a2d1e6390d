"""Annotated files as articles, with the lines they came from, and as training examples.

A corpus is JSONL, an article a line: ``{"id", "title", "text", …, "spans": [[start, end, label], …]}``.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ner.article import Article, Rejected, Span
from ner.errors import NerError, at
from ner.formats import Row, article_or_rejected, open_source, safe_id, source_lines

_NOT_ANNOTATED = (
    "is not annotated: it has no 'spans'",
    '"spans": [] where it holds no name; what another tool wrote: ner corpus convert',
)
_SENTENCE = re.compile(r"(?:[^。！？!?\n]+[。！？!?]*|[。！？!?]+)[”’」』）]*")


@dataclass(frozen=True, slots=True)
class Example:
    """A training example: a text, its spans, and how much of the text is annotated.

    ``known`` is None where all of it is (an annotated article). Else it is the offsets of a quoted string
    that is a BRAND or is none; the rest of the text is not annotated.
    """

    text: str
    spans: tuple[Span, ...]
    known: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """An article of a corpus, its file and line number, and the line, which may have more fields."""

    where: str
    article: Article
    row: Row

    def __str__(self) -> str:
        return f"{self.where} ({self.article.id})"


def entries(paths: Iterable[str | Path], *, annotated: bool = True) -> Iterator[Entry | Rejected]:
    """The articles of annotated files with their places, in order; a line that is none is a `Rejected`.

    Args:
        annotated: a line without ``spans`` is none: it would pass for an article without names.
    """
    for path in paths:
        with open_source(Path(path)) as source:
            for where, row in source_lines(source):
                if isinstance(row, NerError):
                    yield Rejected.from_error(row, where=where)
                    continue
                if annotated and row.get("spans") is None and {"text", "body"} & row.keys():
                    yield Rejected(safe_id(row.get("id")), where, *_NOT_ANNOTATED)
                    continue
                item = article_or_rejected(row, where)
                yield item if isinstance(item, Rejected) else Entry(where, item, row)


def strict(items: Iterable[Entry | Rejected]) -> Iterator[Entry]:
    """Entries of files of which every line must be readable.

    Raises:
        NerError: a line cannot be read.
    """
    for item in items:
        if isinstance(item, Rejected):
            raise item.to_error()
        yield item


def read(paths: Iterable[str | Path], *, annotated: bool = True) -> Iterator[Article]:
    """The articles of annotated files, in order; not ``annotated``: also lines without spans.

    Raises:
        NerError: a line cannot be read.
    """
    return (entry.article for entry in strict(entries(paths, annotated=annotated)))


def examples(articles: Iterable[Article]) -> list[Example]:
    """Training examples of annotated articles, whose spans are a person's, whatever their scores."""
    return [
        Example(each.text, tuple(Span(s.start, s.end, s.label) for s in each.spans))
        for each in articles
    ]


def read_quotes(path: str | Path) -> Iterator[Example]:
    """Contexts of quoted strings, each string with its class (``BRAND`` or another).

    A line is ``{"string", "class", "contexts": […]}``; a context holds the string between “ and ”.

    Raises:
        NerError: a line cannot be read.
    """
    for where, row in strict_rows(Path(path)):
        with at(where):
            string, label, contexts = _quote_fields(row)
        for context in contexts:
            start = context.find(f"“{string}”") + 1
            if start:
                known = (start, start + len(string))
                spans = (Span(*known, "BRAND"),) if label == "BRAND" else ()
                yield Example(context, spans, known)


def strict_rows(path: Path) -> Iterator[tuple[str, Row]]:
    """The JSON objects of a file with their places, of whatever kind.

    Raises:
        NerError: a line cannot be read.
    """
    with open_source(path) as source:
        for where, row in source_lines(source):
            with at(where):
                if isinstance(row, NerError):
                    raise row
            yield where, row


def _quote_fields(row: Row) -> tuple[str, str, list[str]]:
    string, label, contexts = (row.get(name) for name in ("string", "class", "contexts"))
    if (
        not (isinstance(string, str) and string and isinstance(label, str))
        or not isinstance(contexts, list)
        or not all(isinstance(context, str) for context in contexts)
    ):
        raise NerError(
            "is not a quoted string with its class and contexts",
            remedy='write {"string": "…", "class": "BRAND", "contexts": ["…", …]}',
        )
    return string, label, contexts


def sentences(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of the sentences of a text, with their end marks and without white space around them.

    A line end ends one too. Between them is only white space.
    """
    for match in _SENTENCE.finditer(text):
        sentence = match[0].strip()
        if sentence:
            start = text.index(sentence, match.start())
            yield start, start + len(sentence)
