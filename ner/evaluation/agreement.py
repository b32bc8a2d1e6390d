"""How far two annotators of the same articles agree: strict F1, and Cohen's κ over characters."""

from collections import Counter
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ner.article import Article, Span, outside_in
from ner.evaluation.score import Counts, labels_of, table


@dataclass(frozen=True)
class Agreement:
    """Strict counts (`score.table`, A as gold) and κ by label, and ``all``."""

    counts: dict[str, Counts]
    kappa: dict[str, float]


@dataclass(frozen=True)
class Pairs:
    """Two annotations put together by article.

    Args:
        pairs: each article as A and as B marked it, in A's order.
        only_in_a: ids of articles that B does not have.
        only_in_b: ids of articles that A does not have.
        other_text: ids of articles whose text differs, so that their spans cannot be compared.
    """

    pairs: list[tuple[Article, Article]]
    only_in_a: list[str]
    only_in_b: list[str]
    other_text: list[str]


def pair_articles(a: Iterable[Article], b: Iterable[Article]) -> Pairs:
    """Put together what two annotators made of the same articles, by id."""
    ours = {article.id: article for article in a}
    theirs = {article.id: article for article in b}
    both = [(ours[id], theirs[id]) for id in ours if id in theirs]
    return Pairs(
        pairs=[(one, other) for one, other in both if one.text == other.text],
        only_in_a=[id for id in ours if id not in theirs],
        only_in_b=[id for id in theirs if id not in ours],
        other_text=[one.id for one, other in both if one.text != other.text],
    )


def agreement(pairs: Sequence[tuple[Article, Article]]) -> Agreement:
    """Measure the agreement on articles that two annotators marked.

    Args:
        pairs: each article as A and as B marked it, with the same text.
    """
    labels = labels_of(*([article.spans for article in side] for side in zip(*pairs)))
    pair_counts: dict[str, Counter[tuple[Hashable, Hashable]]] = {
        name: Counter() for name in (*labels, "all")
    }
    for a, b in pairs:
        for in_a, in_b in zip(covers(a.spans, len(a.text)), covers(b.spans, len(b.text))):
            pair_counts["all"][in_a, in_b] += 1
            for label in labels:
                pair_counts[label][label in in_a, label in in_b] += 1
    counts = table([a.spans for a, _ in pairs], [b.spans for _, b in pairs])
    return Agreement(counts, {name: kappa(both) for name, both in pair_counts.items()})


def covers(spans: Sequence[Span], length: int) -> list[frozenset[str]]:
    """For every character the labels that cover it: nested names count with all of theirs."""
    labels: list[frozenset[str]] = [frozenset()] * length
    reached: dict[str, int] = {}
    for span in outside_in(spans):
        for place in range(max(span.start, reached.get(span.label, 0)), span.end):
            labels[place] |= {span.label}
        reached[span.label] = max(span.end, reached.get(span.label, 0))
    return labels


def kappa(pairs: Mapping[tuple[Hashable, Hashable], int]) -> float:
    """Cohen's κ (1960): the agreement beyond chance, 1 at most, 0 at chance.

    Args:
        pairs: how often A chose the first and B the second.

    Returns:
        1.0 where both always chose one and the same, so that chance explains it all.
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
