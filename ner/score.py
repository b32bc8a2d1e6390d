"""Spans against spans: counts, precision, recall, F1. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ner.article import LABELS, Span, outermost

_LEAST_SLOPE = 0.05


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


def table(gold: Sequence[Sequence[Span]], predicted: Sequence[Sequence[Span]]) -> dict[str, Counts]:
    """Strict micro counts over texts: a row a label, ``all`` (nested) and ``outermost``."""
    rows = {name: Counts() for name in (*LABELS, "all", "outermost")}
    for ours, theirs in zip(gold, predicted, strict=True):
        for label in LABELS:
            rows[label] += count(
                (s for s in ours if s.label == label), (s for s in theirs if s.label == label)
            )
        rows["all"] += count(ours, theirs)
        rows["outermost"] += count(outermost(ours), outermost(theirs))
    return rows


def calibrate(logits: Sequence[float], right: Sequence[bool]) -> tuple[float, float]:
    """Fit (a, b) such that sigmoid(a x + b) is the share that is right at logit x.

    Platt (1999) scaling by Newton's method, held towards (1, 0) so that few examples do no harm and
    a stays positive: a surer span is never ranked below.
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
        if weights[0] >= _LEAST_SLOPE:
            break
        weights[:] = _LEAST_SLOPE, 0.0  # then the shift alone
    return float(weights[0]), float(weights[1])


def best_threshold(logits: Sequence[float], right: Sequence[bool], gold: int) -> float:
    """The lowest logit above which taking every span costs no more than half a point of F1.

    The lowest, since F1 is flat there and a reviewer strikes a wrong span sooner than they find a
    missing one. 0 where nothing right is found.

    Args:
        logits: of the spans that could be taken.
        right: which of them are in gold.
        gold: how many spans gold has.
    """
    order = np.argsort(logits)[::-1]
    taken = np.arange(1, len(order) + 1)
    f1 = 2 * np.cumsum(np.asarray(right)[order]) / (taken + gold)
    if not f1.any():
        return 0.0
    last = int(np.flatnonzero(f1 >= f1.max() - 0.005)[-1])
    ranked = np.asarray(logits, float)[order]
    below = ranked[last + 1] if last + 1 < len(ranked) else ranked[last] - 1
    return float((ranked[last] + below) / 2)
