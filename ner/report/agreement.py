"""How far people agree who read the same articles independently: strict F1, and Cohen's κ over candidates."""

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterable
from dataclasses import dataclass

from ner.evaluation.agreement import kappa
from ner.evaluation.score import Counts
from ner.labels import ordered
from ner.store import Versions


@dataclass(frozen=True, slots=True)
class Agreed:
    """Of one label, or of all (its label is empty).

    Args:
        candidates: spans that one of the two called right or wrong; what one did not mark is wrong to them.
        counts: strict, the first one's as gold; their F1 is the same the other way round.
        kappa: over the candidates.
    """

    label: str
    candidates: int
    counts: Counts
    kappa: float


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two people.

    Args:
        names: theirs, sorted.
        articles: how many they both read.
        alike: in how many of them they agree on everything.
        rows: one for all, then one a label.
    """

    names: tuple[str, str]
    articles: int
    alike: int
    rows: list[Agreed]


def agreements(articles: Iterable[Versions]) -> list[PairAgreement]:
    """How far each two people agree, those with the most articles first."""
    pairs: dict[tuple[str, str], list[Versions]] = defaultdict(list)
    for article in articles:
        first, second = sorted(article.names)
        pairs[first, second].append(article)
    found = [_agreement(names, read) for names, read in pairs.items()]
    return sorted(found, key=lambda pair: (-pair.articles, pair.names))


def _agreement(names: tuple[str, str], articles: list[Versions]) -> PairAgreement:
    chosen: dict[str, Counter[tuple[Hashable, Hashable]]] = defaultdict(Counter)
    for article in articles:
        for (_, _, label), (one, other) in article.verdicts.items():
            chosen[label][(one, other) if article.names == names else (other, one)] += 1
    everything = sum(chosen.values(), Counter())
    rows = [_agreed("", everything)]
    rows += [_agreed(label, chosen[label]) for label in ordered(chosen)]
    return PairAgreement(names, len(articles), sum(not a.differing for a in articles), rows)


def _agreed(label: str, chosen: Counter[tuple[Hashable, Hashable]]) -> Agreed:
    both, first, second = (chosen[key] for key in ((True, True), (True, False), (False, True)))
    counts = Counts(right=both, predicted=both + second, gold=both + first)
    return Agreed(label, chosen.total(), counts, kappa(chosen))
