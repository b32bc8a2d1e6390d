"""Where two annotations of one text differ, and which of their spans belong together."""

from bisect import bisect
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from ner.article import Span, outside_in

DisagreementKind = Literal["label", "boundary", "only in A", "only in B"]

# Spans of one label compared on either side, so that deeply nested ones are paired in linear time.
_NEIGHBOURS = 16


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What two annotators marked in one place; None where one of them marked nothing."""

    a: Span | None
    b: Span | None

    @property
    def spans(self) -> list[Span]:
        """One or two, A's first."""
        return [span for span in (self.a, self.b) if span]

    @property
    def kind(self) -> DisagreementKind:
        """Another label on the same offsets, the same label on offsets that overlap, or one span alone."""
        if self.a is None:
            return "only in B"
        if self.b is None:
            return "only in A"
        return "label" if _offsets(self.a) == _offsets(self.b) else "boundary"

    @property
    def start(self) -> int:
        return min(span.start for span in self.spans)

    @property
    def end(self) -> int:
        return max(span.end for span in self.spans)


def disagreements(a: Iterable[Span], b: Iterable[Span]) -> list[Disagreement]:
    """Where two annotations differ, in reading order; each span that only one has is in one of them.

    Spans with equal offsets are paired first, then overlapping ones of one label, those that share most
    of their length first; the others stay alone.
    """
    of_a, of_b = set(a), set(b)
    only_a, only_b = of_a - of_b, of_b - of_a
    found = []
    for pairs in (_same_offsets, _overlapping):
        for one, other in list(pairs(only_a, only_b)):
            if one in only_a and other in only_b:
                only_a.remove(one)
                only_b.remove(other)
                found.append(Disagreement(one, other))
    found += [Disagreement(span, None) for span in only_a]
    found += [Disagreement(None, span) for span in only_b]
    return sorted(found, key=lambda item: (item.start, -item.end, item.kind, item.spans))


def _same_offsets(a: Iterable[Span], b: Iterable[Span]) -> Iterator[tuple[Span, Span]]:
    others: dict[tuple[int, int], list[Span]] = defaultdict(list)
    for span in outside_in(b):
        others[_offsets(span)].append(span)
    return ((span, other) for span in outside_in(a) for other in others[_offsets(span)])


def _overlapping(a: Iterable[Span], b: Iterable[Span]) -> list[tuple[Span, Span]]:
    """Pairs of one label, the most alike first."""
    by_label: dict[str, list[Span]] = defaultdict(list)
    for span in outside_in(b):
        by_label[span.label].append(span)
    pairs = []
    for span in a:
        others = by_label[span.label]
        place = bisect(others, (span.start, -span.end), key=lambda other: (other.start, -other.end))
        for other in others[max(place - _NEIGHBOURS, 0) : place + _NEIGHBOURS]:
            if alike := _jaccard(span, other):
                pairs.append((-alike, span, other))
    return [pair for _, *pair in sorted(pairs)]  # type: ignore[misc]


def _jaccard(one: Span, other: Span) -> float:
    """What two spans share of what they cover together, 0 to 1."""
    shared = min(one.end, other.end) - max(one.start, other.start)
    return max(shared, 0) / (max(one.end, other.end) - min(one.start, other.start))


def _offsets(span: Span) -> tuple[int, int]:
    return span.start, span.end
