"""What to label next: the articles or sentences that teach most for the characters they cost.

Every unit says things under keys: its doubtful names, its new names and quoted strings, its words, its
paper and month. A choice is worth what its keys add up to, each with a decreasing gain, so that the
tenth sentence on one thing is worth little. Such a sum is submodular, and taking the unit with the
highest gain for its cost, again and again, comes near the best choice there is (Lin & Bilmes 2010, 2011).
"""

import heapq
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ner.article import Article, Span, outermost
from ner.corpus import quoted, sentences

# What all that the pool says under a heading is worth; `facts` tells the headings.
WEIGHTS = {"doubt": 2.0, "dispute": 1.0, "names": 1.0, "quotes": 1.0, "words": 1.0, "spread": 0.5}

TURNING = 20  # code points that turning to another unit is worth to a reader; else short ones win
_ONCE = ("names", "quotes")  # new once, then no longer
_WORD = re.compile(r"(?=([\u4e00-\u9fff]{2}))")

Counts = Mapping[Hashable, float]
Facts = Mapping[str, Counts]
"""Heading to keys, each with how much a unit says of it."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What is chosen or not.

    Args:
        article: an article, or a sentence as one, with the spans and scores of a teacher.
        disputed: spans that this teacher gives and another does not, or the other way round.
    """

    article: Article
    disputed: tuple[Span, ...] = ()


@dataclass(frozen=True, slots=True)
class Choice:
    """A unit that was chosen.

    Args:
        shares: heading to what it added, as a share of all that the pool says under it.
        worth: the same by the headings' weights; its sum decided.
    """

    article: Article
    shares: Mapping[str, float]
    worth: Mapping[str, float]

    @property
    def why(self) -> str:
        """The two headings that counted most, with their part in the decision."""
        total = sum(self.worth.values()) or 1.0
        most = sorted(self.worth.items(), key=lambda item: -item[1])[:2]
        return ", ".join(f"{name} {value / total:.0%}" for name, value in most)


def disputed(
    ours: Article, theirs: Article, labels: Iterable[str], other_labels: Iterable[str]
) -> tuple[Span, ...]:
    """The spans that only one of two teachers gives, of the labels that both can give.

    Inside a name that both give, nothing is disputed: few taggers nest.
    """
    shared = set(labels) & set(other_labels)
    one, other = set(ours.spans), set(theirs.spans)
    outer = set(outermost(ours.spans)) | set(outermost(theirs.spans))
    return tuple(sorted(s for s in (one ^ other) & outer if s.label in shared))


def in_sentences(unit: Unit) -> Iterator[Unit]:
    """A unit for each sentence, an article whose id is that of its article and ``:START-END`` in it."""
    whole = unit.article
    for start, end in sentences(whole.text):
        yield Unit(
            replace(
                whole,
                id=f"{whole.id}:{start}-{end}",
                text=whole.text[start:end],
                title="",
                body_start=0,
                spans=_within(whole.spans, start, end),
            ),
            _within(unit.disputed, start, end),
        )


def select(
    units: Iterable[Unit],
    budget: int,
    *,
    known: Iterable[Article] = (),
    weights: Mapping[str, float] = WEIGHTS,
    cost: Callable[[Article], int] = lambda article: len(article.text),
) -> Iterator[Choice]:
    """Choose units, the best first, until no other fits the budget. The same pool, the same choice.

    Args:
        budget: what the choice may cost in all.
        known: articles that are labelled already: what they say is no news.
        weights: what each heading is worth; one that is left out is worth nothing.
        cost: of a unit, more than 0; code points if not said.
    """
    pool = list(units)
    said = [facts(unit) for unit in pool]
    mass = _total(facts(Unit(_sure(article))) for article in known)
    whole = {name: _gain(name, counts, mass) for name, counts in _total(said).items()}
    costs = [cost(unit.article) for unit in pool]
    # Gains only fall as the choice grows, so a stale one that is beaten need not be looked at again.
    queue = [(-math.inf, number) for number in range(len(pool))]
    while queue:
        _, number = heapq.heappop(queue)
        if costs[number] > budget:
            continue
        shares = {
            name: _gain(name, counts, mass) / whole[name] if whole[name] else 0.0
            for name, counts in said[number].items()
        }
        worth = {name: weight * shares[name] for name, weight in weights.items()}
        rank = (-sum(worth.values()) / (costs[number] + TURNING), number)
        if queue and rank > queue[0]:
            heapq.heappush(queue, rank)
            continue
        _add(mass, said[number])
        budget -= costs[number]
        yield Choice(pool[number].article, shares, worth)


def facts(unit: Unit) -> Facts:
    """What a unit says under each heading.

    - ``doubt``: its spans, each as much as its score's entropy in bits;
    - ``dispute``: the spans that teachers dispute;
    - ``names``, ``quotes``: the strings of its spans, and those in quotation marks;
    - ``words``: pairs of Chinese characters, which stand for its topic;
    - ``spread``: paper, month and section, each as much as the unit is long.
    """
    article = unit.article
    text, day = article.text, article.date
    doubt: dict[Hashable, float] = defaultdict(float)
    for span in article.spans:
        doubt[span.label, article.surface(span)] += _entropy(span.score)
    places = {"paper": article.paper, "month": day and (day.year, day.month)}
    places["section"] = article.section
    return {
        "doubt": doubt,
        "dispute": Counter((span.label, article.surface(span)) for span in unit.disputed),
        "names": Counter(article.surface(span) for span in article.spans),
        "quotes": Counter(text[start:end] for start, end in quoted(text)),
        "words": Counter(match[1] for match in _WORD.finditer(text)),
        "spread": {key: len(text) for key in places.items() if key[1]},
    }


def _total(facts: Iterable[Facts]) -> dict[str, dict[Hashable, float]]:
    total: dict[str, dict[Hashable, float]] = {name: defaultdict(float) for name in WEIGHTS}
    for each in facts:
        _add(total, each)
    return total


def _add(total: Mapping[str, dict[Hashable, float]], facts: Facts) -> None:
    for name, counts in facts.items():
        for key, count in counts.items():
            total[name][key] += count


def _gain(name: str, counts: Counts, mass: Facts) -> float:
    """What counts add to what was said before."""
    before = mass[name]
    if name in _ONCE:
        return float(sum(key not in before for key in counts))
    return sum(
        math.sqrt(before.get(key, 0.0) + count) - math.sqrt(before.get(key, 0.0))
        for key, count in counts.items()
    )


def _sure(article: Article) -> Article:
    return replace(article, spans=tuple(replace(span, score=1.0) for span in article.spans))


def _entropy(score: float) -> float:
    """Bits that telling whether the span is right would give; 0 to 1."""
    if not 0 < score < 1:
        return 0.0
    return -score * math.log2(score) - (1 - score) * math.log2(1 - score)


def _within(spans: Iterable[Span], start: int, end: int) -> tuple[Span, ...]:
    return tuple(
        replace(span, start=span.start - start, end=span.end - start)
        for span in spans
        if start <= span.start and span.end <= end
    )


def summary(choices: Iterable[Choice]) -> dict[str, float]:
    """Heading to the share of what the pool says under it that the choices hold, 0 to 1."""
    shares = dict.fromkeys(WEIGHTS, 0.0)
    for choice in choices:
        for name, share in choice.shares.items():
            shares[name] += share
    return shares
