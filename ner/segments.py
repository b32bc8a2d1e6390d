"""A text cut at its spans: what the terminal, pages and reports draw, each in its own way.

The viewer draws in the browser, where decisions change the spans: ``review/static/segments.js`` is the same
function there, and a test compares the two.
"""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from ner.article import Article, Span, outside_in


class Segment(NamedTuple):
    """A stretch of text, or the place where a span begins or ends.

    Args:
        start: offset in the text.
        end: the same as `start` where a span begins or ends.
        span: the one that begins or ends here; of a stretch of text the innermost around it, None for none.
        step: 1 where the span begins, -1 where it ends, 0 for a stretch of text.
        depth: how many spans are open here, this one among them.
        levels: how many levels of spans lie inside `span`; 0 for a stretch of text.
    """

    start: int
    end: int
    span: Span | None
    step: int
    depth: int
    levels: int = 0


def segments(spans: Iterable[Span], start: int, end: int) -> Iterator[Segment]:
    """Cut a stretch of a text at its spans, in order; takes time linear in their number, however they nest.

    Args:
        spans: no two cross; what reaches over the stretch's ends is cut, what lies outside is left out. Of
            two with equal offsets the first in `outside_in` holds the other.
        start: where the stretch begins in the text.
        end: where it ends.
    """
    inside = [span for span in outside_in(spans) if span.start < end and start < span.end]
    levels = _levels(inside)
    opened: list[int] = []  # places in `inside`
    at = start

    def text_until(stop: int) -> Iterator[Segment]:
        nonlocal at
        if stop > at:
            yield Segment(at, stop, inside[opened[-1]] if opened else None, 0, len(opened))
            at = stop

    def close_until(stop: int) -> Iterator[Segment]:
        while opened and inside[opened[-1]].end <= stop:
            yield from close()

    def close() -> Iterator[Segment]:
        span = inside[opened[-1]]
        yield from text_until(min(span.end, end))
        yield Segment(at, at, span, -1, len(opened), levels[opened[-1]])
        opened.pop()

    for place, span in enumerate(inside):
        yield from close_until(span.start)
        yield from text_until(max(span.start, start))
        opened.append(place)
        yield Segment(at, at, span, 1, len(opened), levels[place])
    while opened:
        yield from close()
    yield from text_until(end)


def paragraphs(article: Article) -> Iterator[tuple[int, int, list[Span]]]:
    """The lines of an article that are not blank: where each begins and ends, and the spans in it.

    The title, if there is one, is the first: it ends before ``body_start``.
    """
    ordered = outside_in(article.spans)
    reaching: list[Span] = []  # that began before, and are not over
    place = start = 0
    for line in article.text.split("\n"):
        end = start + len(line)
        reaching = [span for span in reaching if span.end > start]
        while place < len(ordered) and ordered[place].start < end:
            reaching.append(ordered[place])
            place += 1
        if line.strip():
            yield start, end, list(reaching)
        start = end + 1


def _levels(spans: list[Span]) -> list[int]:
    """How many levels of spans lie inside each.

    Args:
        spans: as `outside_in` sorts them.
    """
    levels = [0] * len(spans)
    opened: list[int] = []

    def close() -> None:
        done = opened.pop()
        if opened:
            levels[opened[-1]] = max(levels[opened[-1]], levels[done] + 1)

    for place, span in enumerate(spans):
        while opened and spans[opened[-1]].end <= span.start:
            close()
        opened.append(place)
    while opened:
        close()
    return levels
