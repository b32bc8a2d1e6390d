"""What to label next: the articles or sentences that teach most for the characters they cost.

Every unit has features: its uncertain names, its new names and quoted strings, its words, its paper and
month. What it is worth is the sum of what it adds to each, with a decreasing gain, so that the tenth
sentence on one topic is worth little. Such a sum is submodular, and taking the unit with the highest
gain for its cost, again and again, comes near the best choice there is (Lin & Bilmes 2010, 2011).
"""

import heapq
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from ner.annotation.pool import FEATURES, FeatureTable, Pool, Unit
from ner.annotation.teachers import BATCH_ARTICLES, BATCH_CHARACTERS, Teacher
from ner.article import Article, Span, batches, outermost
from ner.corpus import sentences
from ner.formats.fields import UNCOUNTED, Dropped

WEIGHTS = {name: feature.weight for name, feature in FEATURES.items()}
UNIT_COST = 20  # code points that going on to another unit costs a reader; else short units win
_PLACE = re.compile(r":(\d+)-(\d+)$")  # of a sentence in its article, at the end of its id


@dataclass(frozen=True, slots=True)
class Choice:
    """A unit that was chosen.

    Args:
        shares: of each feature what the unit added, as a share of all that the pool has of it.
        gains: the same times the features' weights; the unit was chosen for their sum.
    """

    article: Article
    shares: Mapping[str, float]
    gains: Mapping[str, float]

    @property
    def reason(self) -> str:
        """The two features that counted most, with their part in the decision."""
        total = sum(self.gains.values()) or 1.0
        most = sorted(self.gains.items(), key=lambda item: -item[1])[:2]
        return ", ".join(f"{name} {gain / total:.0%}" for name, gain in most)


def units(
    articles: Iterable[Article],
    teacher: Teacher,
    other: Teacher | None = None,
    *,
    in_sentences: bool = False,
) -> Iterator[Unit]:
    """What `select` chooses from: articles, or their sentences, with a teacher's spans; a stream.

    Args:
        other: a second teacher; where the two differ is worth labelling.
    """
    for batch in batches(articles, BATCH_ARTICLES, BATCH_CHARACTERS):
        others = other.pipe(batch) if other else iter(())
        for article in teacher.pipe(batch):
            disputed: tuple[Span, ...] = ()
            if other:
                disputed = disagreement(article, next(others), teacher.labels, other.labels)
            unit = Unit(article, disputed)
            if in_sentences:
                yield from split_sentences(unit)
            else:
                yield unit


def disagreement(
    article: Article, other: Article, labels: Iterable[str], other_labels: Iterable[str]
) -> tuple[Span, ...]:
    """The spans that only one of two teachers gives, of the labels that both can give.

    Spans inside a name that both give are left out: few taggers nest.
    """
    shared = set(labels) & set(other_labels)
    outer = set(outermost(article.spans)) | set(outermost(other.spans))
    only_one = set(article.spans) ^ set(other.spans)
    return tuple(sorted(span for span in only_one & outer if span.label in shared))


def split_sentences(unit: Unit) -> Iterator[Unit]:
    """A unit for each sentence: an article whose id is that of its article and ``:START-END`` in it."""
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


def is_sentence(article: Article) -> bool:
    """Whether an article is a sentence of another, by its id as `split_sentences` makes it."""
    place = _PLACE.search(article.id)
    return place is not None and int(place[2]) - int(place[1]) == len(article.text)


def select(
    units: Iterable[Unit],
    budget: int,
    *,
    known: Iterable[Article] = (),
    weights: Mapping[str, float] = WEIGHTS,
    cost: Callable[[Article], int] = lambda article: len(article.text),
    dropped: Dropped = UNCOUNTED,
) -> Iterator[Choice]:
    """Choose units, the best first, until no other fits the budget. The same pool gives the same choice.

    Units are read one by one; their features stay in memory, their articles in a temporary file. A text
    that is labelled already, or that came before, is not chosen.

    Args:
        budget: what the choice may cost in all.
        known: articles that are labelled already, or sentences: their names and words are not new.
        weights: what each of `FEATURES` is worth; one that is left out is worth nothing.
        cost: of a unit, more than 0; its code points by default.
        dropped: counts the units that are not chosen from, by why.
    """
    seen: set[int] = set()  # hashes, since texts are many
    with Pool() as pool:
        for article in known:
            certain = tuple(replace(span, score=1.0) for span in article.spans)
            pool.add_known(replace(article, spans=certain))
            text = article.text
            seen.add(hash(text))
            seen.update(hash(text[start:end]) for start, end in sentences(text))
        for unit in units:
            if hash(unit.article.text) in seen:
                dropped["labelled already or in the pool twice"] += 1
            else:
                seen.add(hash(unit.article.text))
                pool.add(unit, cost(unit.article))
        yield from _choose(pool, pool.table(), budget, weights)


def _choose(
    pool: Pool, table: FeatureTable, budget: int, weights: Mapping[str, float]
) -> Iterator[Choice]:
    # Gains only fall as the choice grows, so a unit whose old gain is beaten need not be looked at again.
    queue = [(-math.inf, number) for number in range(len(pool))]
    while queue:
        _, number = heapq.heappop(queue)
        if pool.costs[number] > budget:
            continue
        shares = table.shares(number)
        gains = {name: weight * shares[name] for name, weight in weights.items()}
        rank = (-sum(gains.values()) / (pool.costs[number] + UNIT_COST), number)
        if queue and rank > queue[0]:
            heapq.heappush(queue, rank)
            continue
        table.cover(number)
        budget -= pool.costs[number]
        yield Choice(pool.article(number), shares, gains)


def _within(spans: Iterable[Span], start: int, end: int) -> tuple[Span, ...]:
    return tuple(
        replace(span, start=span.start - start, end=span.end - start)
        for span in spans
        if start <= span.start and span.end <= end
    )
