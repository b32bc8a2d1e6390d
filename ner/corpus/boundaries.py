"""Spans that begin or end inside a word, with what to change them to."""

from collections.abc import Iterable, Iterator
from typing import Any

from ner.article import Article
from ner.words import Segment, snap


def snap_rows(articles: Iterable[Article], segment: Segment) -> Iterator[dict[str, Any]]:
    """A row for each span with a boundary inside a word, in order.

    Args:
        segment: cuts a text into words.

    Returns:
        Rows of ``id``, ``span`` and ``suggested`` (start, end, label), and the strings of both.
    """
    for article in articles:
        for change in snap(article.spans, segment(article.text)):
            span, better = change.span, change.suggested
            yield {
                "id": article.id,
                "span": [span.start, span.end, span.label],
                "text": article.surface(span),
                "suggested": [better.start, better.end, better.label],
                "suggested_text": article.surface(better),
            }
