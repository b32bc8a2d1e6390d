"""Nested spans as trees, and texts with their spans as nested elements of a page."""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from ner.article import Span, outside_in
from ner.segments import Segment, segments

_ENCLOSING = 3  # spans shown around a stretch that they cover to both its ends


@dataclass(slots=True, eq=False)
class Node:
    """A span, the innermost span that holds it, and the spans directly inside it."""

    span: Span
    parent: "Node | None"
    children: "list[Node]" = field(default_factory=list)


class Nesting:
    """The spans of one text as trees.

    Args:
        spans: no two cross. Of two with equal offsets the first in `outside_in` holds the other.
    """

    def __init__(self, spans: Iterable[Span]) -> None:
        self._roots: list[Node] = []
        self._nodes: list[Node] = []
        parent: Node | None = None
        for span in outside_in(spans):
            while parent and not parent.span.holds(span):
                parent = parent.parent
            node = Node(span, parent)
            (parent.children if parent else self._roots).append(node)
            self._nodes.append(node)
            parent = node

    def within(self, start: int, end: int, *, depth: int | None = None) -> list[Span]:
        """The spans that overlap a stretch of the text, in reading order.

        Of those that cover all of it the innermost three, and below these ``depth`` levels at most, so
        that one stretch of a deeply nested text is not as large as the nesting is deep.
        """
        found: list[Node] = []
        innermost = self._innermost(start, end)
        enclosing = innermost
        while enclosing and len(found) < _ENCLOSING:
            found.append(enclosing)
            enclosing = enclosing.parent
        found.reverse()
        level = innermost.children if innermost else self._roots
        waiting = list(_overlapping(level, start, end))[::-1]
        levels = {id(node): 1 for node in waiting}
        while waiting:
            node = waiting.pop()
            found.append(node)
            if depth is None or levels[id(node)] < depth:
                inner = list(_overlapping(node.children, start, end))[::-1]
                levels.update((id(each), levels[id(node)] + 1) for each in inner)
                waiting += inner
        return [node.span for node in found]

    def _innermost(self, start: int, end: int) -> Node | None:
        place = bisect(self._nodes, start, key=lambda node: node.span.start)
        node = self._nodes[place - 1] if place else None
        while node and node.span.end < end:
            node = node.parent
        return node


def _overlapping(nodes: Sequence[Node], start: int, end: int) -> Iterator[Node]:
    """Of spans beside each other those that reach into a stretch."""
    for node in nodes[bisect(nodes, start, key=lambda node: node.span.end) :]:
        if node.span.start >= end:
            return
        yield node


def mark_up(
    text: str,
    start: int,
    end: int,
    spans: Iterable[Span],
    tags: Callable[[Segment], tuple[Markup, Markup]],
    *,
    omitted: tuple[int, int] = (0, 0),
) -> Markup:
    """A stretch of a text with its spans as nested elements; what reaches over its ends is cut.

    Args:
        spans: no two cross.
        tags: the opening and the closing tag of a span, from the segment where it begins or ends.
        omitted: offsets of what is shown as an ellipsis, without the spans in it.
    """
    low, high = omitted
    shown = [span for span in spans if not _lies_in(span, start, end, omitted)]
    pieces: list[Markup] = []
    for segment in segments(shown, start, end):
        if segment.step:
            opening, closing = tags(segment)
            pieces.append(opening if segment.step > 0 else closing)
            continue
        at, until, string = segment.start, segment.end, text[segment.start : segment.end]
        if low < high:
            dots = "…" if at <= low < until else ""
            string = f"{text[at : min(until, low)]}{dots}{text[max(at, high) : until]}"
        pieces.append(Markup.escape(string.replace("\n", "↵")))
    return Markup().join(pieces)


def _lies_in(span: Span, start: int, end: int, stretch: tuple[int, int]) -> bool:
    """True where what is shown of a span lies in a stretch."""
    return stretch[0] <= max(span.start, start) and min(span.end, end) <= stretch[1]
