"""How good the tagger is, from articles that people read as a whole: precision and recall with intervals."""

import datetime
import math
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from ner.article import Article
from ner.evaluation.score import Counts, by_label, labels_of
from ner.labels import ordered
from ner.store import Judged

Z = 1.959964  # of a 95 % interval
TARGET = 0.02  # half the width that a figure should have at most: two points
_LISTED = 12  # strings in a list


@dataclass(frozen=True, slots=True)
class Share:
    """A share of counted things with its Wilson (1927) interval of 95 %.

    Args:
        part: how many of `whole`.
    """

    part: int
    whole: int

    @property
    def value(self) -> float:
        """NaN of nothing."""
        return self.part / self.whole if self.whole else math.nan

    @property
    def low(self) -> float:
        """The lower end; 0 of nothing."""
        return max(0.0, self._centre - self._half) if self.whole else 0.0

    @property
    def high(self) -> float:
        """The upper end; 1 of nothing."""
        return min(1.0, self._centre + self._half) if self.whole else 1.0

    @property
    def _centre(self) -> float:
        return (self.value + Z * Z / (2 * self.whole)) / (1 + Z * Z / self.whole)

    @property
    def _half(self) -> float:
        return _half_width(self.value, self.whole)

    def needed(self) -> int:
        """How many there would have to be for an interval of at most twice `TARGET`, at the same share."""
        value = self.value if self.whole else 0.5
        low, high = 1, 10_000_000
        while low < high:
            middle = (low + high) // 2
            if _half_width(value, middle) <= TARGET:
                high = middle
            else:
                low = middle + 1
        return low


def _half_width(value: float, whole: int) -> float:
    """Half of the interval of a share of so many things, of which it may be no whole number."""
    variance = value * (1 - value) / whole + (Z / (2 * whole)) ** 2
    return Z / (1 + Z * Z / whole) * math.sqrt(variance)


@dataclass(frozen=True, slots=True)
class Row:
    """The figures of one label, or of all (its label is empty).

    Args:
        precision: of the spans that the model found those that are right.
        recall: of the right spans those that the model found.
        more: how many more articles to read until precision is known to two points; None where nothing
            was found that tells.
    """

    label: str
    precision: Share
    recall: Share
    more: int | None


@dataclass(frozen=True, slots=True)
class Figures:
    """What a sample says.

    Args:
        rows: one for all, then one a label.
        wrong: the strings that the model marked wrongly most often, with how often.
        missed: the strings that people added most often.
    """

    articles: int
    rows: list[Row]
    wrong: list[tuple[str, int]]
    missed: list[tuple[str, int]]


@dataclass(frozen=True, slots=True)
class Week:
    """The articles that were read in a week.

    Args:
        monday: its first day.
    """

    monday: datetime.date
    articles: int
    precision: Share
    recall: Share


def weeks(judged: Iterable[Judged]) -> list[Week]:
    """The figures of all labels by the week in which the articles were read, oldest first."""
    articles: Counter[datetime.date] = Counter()
    counts: dict[datetime.date, Counts] = defaultdict(Counts)
    for each in judged:
        monday = each.at.date() - datetime.timedelta(days=each.at.weekday())
        articles[monday] += 1
        found, right = ({row[:3] for row in rows} for rows in (each.found, each.right))
        counts[monday] += Counts(len(found & right), len(found), len(right))
    return [
        Week(
            monday,
            articles[monday],
            Share(counts[monday].right, counts[monday].predicted),
            Share(counts[monday].right, counts[monday].gold),
        )
        for monday in sorted(articles)
    ]


def figures(pairs: Iterable[tuple[Article, Article]]) -> Figures:
    """Compare what a model found with what people decided; a span counts with its offsets and its label.

    Args:
        pairs: each article as the model tagged it and as people decided.
    """
    articles = 0
    rows: dict[str, Counts] = defaultdict(Counts)
    wrong: Counter[str] = Counter()
    missed: Counter[str] = Counter()
    for tagged, decided in pairs:
        articles += 1
        ours, theirs = set(tagged.spans), set(decided.spans)
        for label, counts in by_label(theirs, ours, labels_of([ours, theirs])).items():
            rows[label] += counts
        wrong.update(tagged.surface(span) for span in ours - theirs)
        missed.update(tagged.surface(span) for span in theirs - ours)
    shown = [_row("", articles, sum(rows.values(), Counts()))]
    shown += [_row(label, articles, rows[label]) for label in ordered(rows)]
    return Figures(articles, shown, wrong.most_common(_LISTED), missed.most_common(_LISTED))


def _row(label: str, articles: int, counts: Counts) -> Row:
    found = counts.predicted
    precision = Share(counts.right, found)
    more = None
    if found:
        more = max(0, math.ceil((precision.needed() - found) * articles / found))
    return Row(label, precision, Share(counts.right, counts.gold), more)
