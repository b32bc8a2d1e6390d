"""How far two annotators of the same articles agree: strict F1, Cohen's κ over characters. Pure."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

from ner.article import Article, Span, outside_in
from ner.evaluation.score import Counts, labels_of, table

KINDS = ("label", "boundary", "only in A", "only in B")


@dataclass(frozen=True, slots=True)
class Disagreement:
    """What two annotators said of one place; None where one of them said nothing.

    ``kind`` is one of `KINDS`: another label on the same offsets, the same label on offsets that
    overlap, or a span that only one of them has.
    """

    kind: str
    a: Span | None
    b: Span | None

    @property
    def start(self) -> int:
        return min(span.start for span in (self.a, self.b) if span)

    @property
    def end(self) -> int:
        return max(span.end for span in (self.a, self.b) if span)


@dataclass(frozen=True)
class Agreement:
    """Strict counts (`ner.score.table`, with A as gold) and κ by label, and ``all``."""

    counts: dict[str, Counts]
    kappa: dict[str, float]


def agreement(pairs: Sequence[tuple[Article, Article]]) -> Agreement:
    """Of articles that two annotators marked, each pair with one text."""
    labels = labels_of(*([article.spans for article in side] for side in zip(*pairs)))
    seen: dict[str, Counter[tuple[Hashable, Hashable]]] = {
        name: Counter() for name in (*labels, "all")
    }
    for a, b in pairs:
        for ours, theirs in zip(covers(a.spans, len(a.text)), covers(b.spans, len(b.text))):
            seen["all"][ours, theirs] += 1
            for label in labels:
                seen[label][label in ours, label in theirs] += 1
    counts = table([a.spans for a, _ in pairs], [b.spans for _, b in pairs])
    return Agreement(counts, {name: kappa(both) for name, both in seen.items()})


def covers(spans: Sequence[Span], length: int) -> list[frozenset[str]]:
    """For every character the labels that cover it: nested names count with all of theirs."""
    labels: list[frozenset[str]] = [frozenset()] * length
    for span in spans:
        for place in range(span.start, span.end):
            labels[place] |= {span.label}
    return labels


def kappa(pairs: Mapping[tuple[Hashable, Hashable], int]) -> float:
    """Cohen's κ (1960): the agreement beyond chance, 1 at most, 0 at chance.

    Args:
        pairs: how often A said the first and B the second.

    Returns:
        1.0 where both always said one and the same thing, so that chance explains it all.
    """
    total = sum(pairs.values())
    first: Counter[Hashable] = Counter()
    second: Counter[Hashable] = Counter()
    for (a, b), times in pairs.items():
        first[a] += times
        second[b] += times
    same = sum(times for (a, b), times in pairs.items() if a == b)
    chance = sum(first[value] * second[value] for value in first)
    if chance == total * total:
        return 1.0
    return (total * same - chance) / (total * total - chance)


def disagreements(a: Sequence[Span], b: Sequence[Span]) -> list[Disagreement]:
    """Where two annotations of one text part, in reading order; each span in one of them at most."""
    only_a, only_b = outside_in(set(a) - set(b)), outside_in(set(b) - set(a))
    found = []
    for kind, alike in (("label", _same_place), ("boundary", _same_label_overlapping)):
        for ours in list(only_a):
            theirs = next((span for span in only_b if alike(ours, span)), None)
            if theirs:
                only_a.remove(ours)
                only_b.remove(theirs)
                found.append(Disagreement(kind, ours, theirs))
    found += [Disagreement("only in A", span, None) for span in only_a]
    found += [Disagreement("only in B", None, span) for span in only_b]
    return sorted(found, key=lambda item: (item.start, -item.end, item.kind))


def _same_place(a: Span, b: Span) -> bool:
    return (a.start, a.end) == (b.start, b.end)


def _same_label_overlapping(a: Span, b: Span) -> bool:
    return a.label == b.label and a.start < b.end and b.start < a.end
