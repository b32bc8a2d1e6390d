"""Counts of a corpus: articles, characters, labels, nested names, quoted strings."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ner.article import Article, Span
from ner.corpus.read import Entry

_QUOTED = re.compile(r"“([^“”\n]+)”|‘([^‘’\n]+)’|「([^「」\n]+)」|『([^『』\n]+)』|\"([^\"\n]+)\"")
"""A string between quotation marks, which is the only group that matches."""


def quoted(text: str) -> Iterator[tuple[int, int]]:
    """Offsets of the strings between quotation marks, without the marks; outer before inner."""
    for match in _QUOTED.finditer(text):
        start, end = match.span(match.lastindex or 0)
        yield start, end
        yield from ((start + low, start + high) for low, high in quoted(text[start:end]))


@dataclass(frozen=True)
class Statistics:
    """Counts of a corpus. ``quoted_brands`` are quoted strings that are exactly a BRAND."""

    articles: int
    characters: int
    labels: Counter[str]
    nested: int
    quoted: int
    quoted_brands: int


def statistics(articles: Sequence[Article]) -> Statistics:
    """Count what articles hold."""
    labels = Counter(span.label for article in articles for span in article.spans)
    strings = sum(1 for article in articles for _ in quoted(article.text))
    brands = sum(
        len(set(quoted(a.text)) & {(s.start, s.end) for s in a.spans if s.label == "BRAND"})
        for a in articles
    )
    nested = sum(_nested(article.spans) for article in articles)
    characters = sum(len(article.text) for article in articles)
    return Statistics(len(articles), characters, labels, nested, strings, brands)


def _nested(spans: Iterable[Span]) -> int:
    """How many spans another span holds; of spans with equal offsets each holds the others."""
    times = Counter((span.start, span.end) for span in spans)
    nested = reached = 0
    for start, end in sorted(times, key=lambda offsets: (offsets[0], -offsets[1])):
        if end <= reached or times[start, end] > 1:
            nested += times[start, end]
        reached = max(reached, end)
    return nested


def grouped(entries: Iterable[Entry], field: str) -> dict[str, Statistics]:
    """Statistics by a field of the corpus lines, the largest group first.

    Args:
        field: ``paper``, ``topic`` or any other field; ``month`` is that of the date. Lines without
            it are grouped under the empty string.
    """
    groups: dict[str, list[Article]] = defaultdict(list)
    for entry in entries:
        day = entry.article.date
        value = f"{day:%Y-%m}" if field == "month" and day else entry.row.get(field)
        groups[str(value or "")].append(entry.article)
    largest = sorted(groups, key=lambda name: (-len(groups[name]), name))
    return {name: statistics(groups[name]) for name in largest}
