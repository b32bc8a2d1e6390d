"""The units that `select` chooses from: their features in compact arrays, their articles on disk.

A unit costs some eight bytes of memory for each of its features, some hundred of them an article; texts
and spans wait in a temporary file, which is gone with the pool.
"""

import math
import pickle
import tempfile
from array import array
from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.article import Article, Span
from ner.corpus import quoted

Floats = npt.NDArray[np.float64]
Values = Mapping[Hashable, float]
"""What occurs in a unit, and how much of it."""


@dataclass(frozen=True, slots=True)
class Feature:
    """A kind of thing that makes a unit worth labelling.

    Args:
        explanation: what it counts, for the person who reads the figures.
        weight: how much all of it in the pool is worth, beside the other features.
        once: a second occurrence is worth nothing; else it is worth less than the first.
    """

    explanation: str
    weight: float = 1.0
    once: bool = False


FEATURES = {
    "uncertainty": Feature(
        "spans whose score leaves open whether they are right: most at 0.5, nothing at 0 and 1", 2.0
    ),
    "disagreement": Feature("spans that only one of the two teachers found"),
    "names": Feature("names that are in no labelled and no chosen text yet", once=True),
    "quotes": Feature(
        "strings in quotation marks that are in no labelled and no chosen text yet", once=True
    ),
    "words": Feature("words (pairs of Chinese characters) that are rare so far: other topics"),
    "sources": Feature("papers, months and sections that are rare so far", 0.5),
}
_NAMES = tuple(FEATURES)
_FIRST, _LAST = 0x4E00, 0x9FFF  # Chinese characters; a pair of them is a number over 2³⁰
_BLOCK = 1_000_000  # occurrences counted at a time


@dataclass(frozen=True, slots=True)
class Unit:
    """What is chosen or not.

    Args:
        article: an article, or a sentence as one, with the spans and scores of a teacher.
        disputed: spans that this teacher gives and another does not, or the other way round.
    """

    article: Article
    disputed: tuple[Span, ...] = ()


class Pool:
    """Units, each with its features, its cost and its article; a context manager."""

    def __init__(self) -> None:
        self.costs = array("q")
        self._articles = tempfile.TemporaryFile()  # noqa: SIM115 (closed by __exit__)
        self._places = array("q")
        self._numbers: dict[tuple[str, Hashable], int] = {}
        self._features = bytearray()  # of each number the feature
        self._keys, self._values = array("I"), array("f")
        self._ends = array("q", [0])
        self._known = 0

    def __enter__(self) -> "Pool":
        return self

    def __exit__(self, *_: object) -> None:
        self._articles.close()

    def __len__(self) -> int:
        return len(self.costs)

    def add_known(self, article: Article) -> None:
        """Count what an article that is labelled already has; before any unit is added."""
        self._add(features(Unit(article)), article.text)
        self._known += 1

    def add(self, unit: Unit, cost: int) -> None:
        """Add a unit."""
        self.costs.append(cost)
        self._places.append(self._articles.seek(0, 2))
        pickle.dump(unit.article, self._articles)
        self._add(features(unit), unit.article.text)

    def article(self, number: int) -> Article:
        """The article of a unit, by the order in which the units came."""
        self._articles.seek(self._places[number])
        article: Article = pickle.load(self._articles)
        return article

    def _add(self, found: Mapping[str, Values], text: str) -> None:
        for name, values in found.items():
            for key, value in values.items():
                number = self._numbers.setdefault((name, key), len(self._features))
                if number == len(self._features):
                    self._features.append(_NAMES.index(name))
                self._keys.append(number)
                self._values.append(value)
        pairs, counts = _word_pairs(text)
        self._keys.frombytes(pairs.astype(np.uint32).tobytes())
        self._values.frombytes(counts.astype(np.float32).tobytes())
        self._ends.append(len(self._keys))

    def table(self) -> "FeatureTable":
        """The features of all units; nothing can be added any more."""
        keys = np.frombuffer(self._keys, np.uint32)
        distinct = np.unique(keys)
        ids = np.searchsorted(distinct, keys).astype(np.int32)
        listed = np.frombuffer(self._features, np.uint8)
        feature = np.full(len(distinct), _NAMES.index("words"), np.uint8)
        feature[: len(listed)] = listed  # numbers come before pairs of characters
        values, ends = np.frombuffer(self._values, np.float32), np.frombuffer(self._ends, np.int64)
        known = ends[self._known]
        return FeatureTable(
            ids[known:],
            values[known:],
            ends[self._known :] - known,
            feature,
            _sums(ids[:known], values[:known], len(distinct)),
        )


class FeatureTable:
    """How much each unit adds to what is labelled or chosen already.

    Args:
        ids: of all units' features, end to end; a feature's occurrences share an id.
        values: how much of each.
        ends: where each unit's features end in these, after a 0.
        feature: of each id the number of its feature in `FEATURES`.
        covered: of each id how much is labelled or chosen already.
    """

    def __init__(
        self,
        ids: npt.NDArray[np.int32],
        values: npt.NDArray[np.float32],
        ends: npt.NDArray[np.int64],
        feature: npt.NDArray[np.uint8],
        covered: Floats,
    ) -> None:
        self._ids, self._values, self._ends = ids, values, ends
        self._feature, self._covered = feature, covered
        self._once = np.array([each.once for each in FEATURES.values()])[feature]
        every = np.arange(len(covered))
        self._totals = self._gains(every, _sums(ids, values, len(covered)))

    def shares(self, number: int) -> dict[str, float]:
        """Of each feature what a unit adds, as a share of what all units would add."""
        gains = self._gains(*self._unit(number))
        shares = np.divide(gains, self._totals, out=np.zeros_like(gains), where=self._totals > 0)
        return dict(zip(_NAMES, shares.tolist(), strict=True))

    def cover(self, number: int) -> None:
        """Count a unit as chosen."""
        ids, values = self._unit(number)
        self._covered[ids] += values  # a unit has each id once

    def _unit(self, number: int) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
        part = slice(self._ends[number], self._ends[number + 1])
        return self._ids[part], self._values[part]

    def _gains(self, ids: npt.NDArray[Any], values: npt.NDArray[Any]) -> Floats:
        before = self._covered[ids]
        gains = np.sqrt(before + values) - np.sqrt(before)
        once = self._once[ids]
        gains[once] = (before[once] == 0) & (values[once] > 0)
        return np.bincount(self._feature[ids], gains, minlength=len(FEATURES)).astype(float)


def features(unit: Unit) -> dict[str, Values]:
    """The features of a unit but for its words; see `FEATURES`."""
    article = unit.article
    uncertainty: dict[Hashable, float] = defaultdict(float)
    for span in article.spans:
        uncertainty[span.label, article.surface(span)] += _entropy(span.score)
    return {
        "uncertainty": uncertainty,
        "disagreement": Counter((s.label, article.surface(s)) for s in unit.disputed),
        "names": Counter(article.surface(span) for span in article.spans),
        "quotes": Counter(article.text[start:end] for start, end in quoted(article.text)),
        "sources": {source: len(article.text) for source in _sources(article)},
    }


def _sources(article: Article) -> Iterator[tuple[str, str]]:
    month = f"{article.date:%Y-%m}" if article.date else ""
    for name, value in (
        ("paper", article.paper),
        ("month", month),
        ("section", article.section),
    ):
        if value:
            yield name, value


def _word_pairs(text: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Pairs of neighbouring Chinese characters as numbers, and how often each occurs."""
    points = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), np.uint32)
    chinese = (points >= _FIRST) & (points <= _LAST)
    both = chinese[:-1] & chinese[1:]
    return np.unique(points[:-1][both] << 16 | points[1:][both], return_counts=True)


def _sums(ids: npt.NDArray[Any], values: npt.NDArray[Any], size: int) -> Floats:
    """The sum of the values of each id; in blocks, since `bincount` makes wide copies."""
    sums = np.zeros(size)
    for start in range(0, len(ids), _BLOCK):
        part = slice(start, start + _BLOCK)
        sums += np.bincount(ids[part], values[part], minlength=size)
    return sums


def _entropy(score: float) -> float:
    """Bits that knowing whether the span is right would give; 0 to 1."""
    if not 0 < score < 1:
        return 0.0
    return -score * math.log2(score) - (1 - score) * math.log2(1 - score)
