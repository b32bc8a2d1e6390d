"""Nested spans as trees, and texts with their spans as nested elements of a page."""

from bisect import bisect
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from markupsafe import Markup

from ner.article import Span, outside_in

_ENCLOSING = 3  # spans shown around a stretch that they cover to both its ends


@dataclass(slots=True, eq=False)
class Node:
    """A span, the innermost span that holds it, and the spans directly inside it.

    Args:
        levels: how many levels of spans lie inside it.
    """

    span: Span
    parent: "Node | None"
    children: "list[Node]" = field(default_factory=list)
    levels: int = 0


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
        for node in reversed(self._nodes):
            if node.parent:
                node.parent.levels = max(node.parent.levels, node.levels + 1)

    def within(self, start: int, end: int, *, depth: int | None = None) -> list[Node]:
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
        return found

    def node(self, span: Span) -> Node:
        """Where a span is in its tree."""
        key = _order(span)
        return self._nodes[bisect(self._nodes, key, key=lambda node: _order(node.span)) - 1]

    def _innermost(self, start: int, end: int) -> Node | None:
        place = bisect(self._nodes, start, key=lambda node: node.span.start)
        node = self._nodes[place - 1] if place else None
        while node and node.span.end < end:
            node = node.parent
        return node


def _order(span: Span) -> tuple[int, int, str]:
    return span.start, -span.end, span.label


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
    nodes: Iterable[Node],
    tags: Callable[[Node], tuple[Markup, Markup]],
    *,
    omitted: tuple[int, int] = (0, 0),
) -> Markup:
    """A stretch of a text with its spans as nested elements; what reaches over its ends is cut.

    Args:
        nodes: of one `Nesting`, in reading order.
        tags: the opening and the closing tag of a span.
        omitted: offsets of what is shown as an ellipsis, without the spans in it.
    """
    pieces: list[Markup] = []
    open_elements: list[tuple[int, Markup]] = []
    place = start

    def write(until: int) -> None:
        nonlocal place
        low, high = omitted
        shown = text[place : min(until, low)] if low < high else text[place:until]
        if low < high:
            shown += ("…" if place <= low < until else "") + text[max(place, high) : until]
        pieces.append(Markup.escape(shown.replace("\n", "↵")))
        place = max(place, until)

    def close(until: int) -> None:
        while open_elements and open_elements[-1][0] <= until:
            stop, tag = open_elements.pop()
            write(stop)
            pieces.append(tag)

    for node in nodes:
        low, high = max(node.span.start, start), min(node.span.end, end)
        if omitted[0] <= low and high <= omitted[1]:
            continue
        close(low)
        write(low)
        opening, closing = tags(node)
        pieces.append(opening)
        open_elements.append((high, closing))
    close(end)
    write(end)
    return Markup().join(pieces)
