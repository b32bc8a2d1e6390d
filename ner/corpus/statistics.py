"""What a corpus holds: articles, characters, labels, nested names, quoted strings."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from ner.article import Article
from ner.corpus.read import Entry

QUOTED = re.compile(r"“([^“”\n]+)”|‘([^‘’\n]+)’|「([^「」\n]+)」|『([^『』\n]+)』|\"([^\"\n]+)\"")
"""A string between quotation marks; one group holds it."""


def quoted(text: str) -> Iterator[tuple[int, int]]:
    """Where the strings between quotation marks stand, without the marks; outer before inner."""
    for match in QUOTED.finditer(text):
        start, end = match.span(match.lastindex or 0)
        yield start, end
        yield from ((start + low, start + high) for low, high in quoted(text[start:end]))


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


def grouped(entries: Iterable[Entry], field: str) -> dict[str, Statistics]:
    """A corpus by a field of its lines, the largest group first.

    Args:
        field: ``paper``, ``topic`` or any other field; ``month`` is of the date. Empty where a line
            has none.
    """
    groups: dict[str, list[Article]] = defaultdict(list)
    for entry in entries:
        day = entry.article.date
        value = f"{day:%Y-%m}" if field == "month" and day else entry.row.get(field)
        groups[str(value or "")].append(entry.article)
    largest = sorted(groups, key=lambda name: (-len(groups[name]), name))
    return {name: statistics(groups[name]) for name in largest}
