"""Precision, recall and F1 of spans, lenient measures, reliability and calibration of scores."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from nervaluate import Evaluator

from ner.article import Span, outermost
from ner.labels import ordered

TOTALS = ("all", "outermost")
"""The rows after those of the labels: all spans, nested ones too, and those that no other span holds."""

_MIN_SLOPE = 0.05
_BINS = 10  # of scores, of equal width


@dataclass(frozen=True, slots=True)
class Counts:
    """Strict counts: a span is right where start, end and label are."""

    right: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.right + other.right, self.predicted + other.predicted, self.gold + other.gold
        )

    @property
    def precision(self) -> float:
        """0 to 1; 0 where nothing was predicted."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """0 to 1; 0 where there is nothing to find."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """0 to 1: the harmonic mean of precision and recall."""
        total = self.predicted + self.gold
        return 2 * self.right / total if total else 0.0


def count(gold: Iterable[Span], predicted: Iterable[Span]) -> Counts:
    """Strict counts over one text."""
    ours, theirs = set(gold), set(predicted)
    return Counts(len(ours & theirs), len(theirs), len(ours))


def labels_of(*sides: Iterable[Iterable[Span]]) -> tuple[str, ...]:
    """The labels that a table of these spans has a row for, see `labels.ordered`."""
    return ordered(span.label for side in sides for spans in side for span in spans)


def by_row(
    gold: Sequence[Span], predicted: Sequence[Span], labels: Iterable[str]
) -> dict[str, Counts]:
    """Strict counts over one text: a row a label, and `TOTALS`."""
    rows = by_label(gold, predicted, labels)
    rows["all"] = count(gold, predicted)
    rows["outermost"] = count(outermost(gold), outermost(predicted))
    return rows


def by_label(
    gold: Collection[Span], predicted: Collection[Span], labels: Iterable[str]
) -> dict[str, Counts]:
    """Strict counts over one text for each of some labels."""
    return {
        label: count(
            (span for span in gold if span.label == label),
            (span for span in predicted if span.label == label),
        )
        for label in labels
    }


def table(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> dict[str, Counts]:
    """Strict micro counts over texts: a row a label, ``all`` (nested) and ``outermost``."""
    labels = labels_of(gold, predicted)
    rows = dict.fromkeys((*labels, *TOTALS), Counts())
    for ours, theirs in zip(gold, predicted, strict=True):
        for name, counts in by_row(ours, theirs, labels).items():
            rows[name] += counts
    return rows


def tally(texts: Sequence[Mapping[str, Counts]]) -> npt.NDArray[np.int64]:
    """Counts of each text as an array ``(texts, rows, 3)``: right, predicted, gold."""
    return np.array(
        [[(c.right, c.predicted, c.gold) for c in rows.values()] for rows in texts], np.int64
    )


def f1(tally: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    """F1 of counts ``(…, 3)``: an array ``(…)``; NaN where nothing is predicted and nothing is gold."""
    right, predicted, gold = np.moveaxis(tally, -1, 0)
    total = np.asarray(predicted + gold, float)
    figures = np.full(total.shape, np.nan)
    np.divide(2 * right, total, out=figures, where=total > 0)
    return figures


@dataclass(frozen=True, slots=True)
class Overlap:
    """Lenient counts, see `overlaps`. ``incorrect`` spans overlap a gold span but do not count as right."""

    precision: float
    recall: float
    f1: float
    correct: int
    incorrect: int
    partial: int
    missed: int
    spurious: int


def overlaps(
    gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]
) -> dict[str, Overlap]:
    """The measures of SemEval 2013 (Segura-Bedmar et al.) by nervaluate, over the outermost spans.

    ``exact``: the offsets are right, whatever the label. ``partial``: the same, and an overlap counts
    half. ``type``: the label is right and the spans overlap. Outermost only, since nervaluate
    pairs each span with the first one that overlaps it, which is often the wrong one of nested spans.
    """
    evaluator = Evaluator(
        _flat(gold), _flat(predicted), tags=list(labels_of(gold, predicted)), loader="dict"
    )
    found = evaluator.evaluate()["overall"]
    names = {"exact": "exact", "partial": "partial", "type": "ent_type"}
    return {
        ours: Overlap(
            r.precision, r.recall, r.f1, r.correct, r.incorrect, r.partial, r.missed, r.spurious
        )
        for ours, r in ((ours, found[theirs]) for ours, theirs in names.items())
    }


def _flat(texts: Sequence[Sequence[Span]]) -> list[list[dict[str, str | int]]]:
    # nervaluate's ends are the last code point, ours one past it.
    return [
        [{"label": s.label, "start": s.start, "end": s.end - 1} for s in outermost(spans)]
        for spans in texts
    ]


@dataclass(frozen=True, slots=True)
class Bin:
    """Spans whose score lies in [low, high): their mean score, and the share that is right."""

    low: float
    high: float
    score: float
    right: float
    count: int


def reliability(scores: Sequence[float], right: Sequence[bool]) -> tuple[list[Bin], float]:
    """How far scores are from the share that is right: bins of equal width, without empty ones.

    And the expected calibration error (Naeini et al. 2015): the mean distance of a bin's score from
    its share, each span weighing the same; 0 to 1, NaN without spans. A score of 1 is in the last bin.
    """
    values, correct = np.asarray(scores, float), np.asarray(right, float)
    # Not int(score * 10): 0.29 * 100 is 28.999….
    number = np.searchsorted(np.arange(1, _BINS) / _BINS, values, side="right")
    found = [
        Bin(
            k / _BINS,
            (k + 1) / _BINS,
            float(values[number == k].mean()),
            float(correct[number == k].mean()),
            int((number == k).sum()),
        )
        for k in np.unique(number).tolist()
    ]
    error = sum(b.count * abs(b.score - b.right) for b in found)
    return found, error / len(values) if found else float("nan")


def calibrate(logits: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Fit (a, b) such that sigmoid(a x + b) is the share that is right at logit x.

    Platt (1999) scaling by Newton's method, regularised towards (1, 0) for few examples. a stays
    positive, so that calibration keeps the order of the spans.
    """
    x = np.stack((np.asarray(logits, float), np.ones(len(logits))), axis=1)
    y = np.asarray(right, float)
    prior, weights = np.array([1.0, 0.0]), np.zeros(2)
    for free in ([0, 1], [1]):
        for _ in range(30):
            p = 1 / (1 + np.exp(-x @ weights))
            gradient = x.T @ (p - y) + (weights - prior)
            curvature = (x * (p * (1 - p))[:, None]).T @ x + np.eye(2)
            step = np.linalg.solve(curvature[np.ix_(free, free)], gradient[free])
            weights[free] -= step
        if weights[0] >= _MIN_SLOPE:
            break
        weights[:] = _MIN_SLOPE, 0.0  # then the shift alone
    return float(weights[0]), float(weights[1])


def best_threshold(logits: Sequence[float], right: Sequence[bool], gold: int) -> float:
    """The lowest threshold on logits whose F1 is at most a fifth of a point below the best.

    The lowest, since F1 is flat there and a reviewer deletes a wrong span sooner than they find a
    missing one. 0 where no span is right.

    Args:
        logits: of the candidate spans.
        right: which of them are gold spans.
        gold: how many gold spans there are.
    """
    order = np.argsort(logits)[::-1]
    taken = np.arange(1, len(order) + 1)
    f1 = 2 * np.cumsum(np.asarray(right)[order]) / (taken + gold)
    if not f1.any():
        return 0.0
    last = int(np.flatnonzero(f1 >= f1.max() - 0.002)[-1])
    ranked = np.asarray(logits, float)[order]
    below = ranked[last + 1] if last + 1 < len(ranked) else ranked[last] - 1
    return float((ranked[last] + below) / 2)
