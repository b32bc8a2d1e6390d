"""Confidence intervals and paired tests by bootstrap over documents (Efron 1979).

A tally is an integer array ``(documents, rows, counts)`` and a figure a function of its sum over
documents. Documents are drawn with replacement and their counts summed, so nothing is scored again.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ner.errors import NerError

Floats = npt.NDArray[np.float64]
Tally = npt.NDArray[np.int64]
Figure = Callable[[npt.NDArray[Any]], Floats]
"""Counts ``(…, rows, counts)`` to figures ``(…, rows)``; NaN where there is none."""

MIN_DOCUMENTS = 10  # resamples of fewer are too much alike for a test
ALPHA = 0.05  # significance level
_BLOCK = 500  # resamples at a time: bounds the memory that weights for many documents take
_ROUNDING = 1e-12  # sums in another order differ by this; equal figures must count as equal


def resamples(tally: Tally, times: int) -> Iterator[Floats]:
    """Sums over documents drawn with replacement, in blocks ``(some, rows, counts)``."""
    documents = len(tally)
    rng = np.random.default_rng(1)  # the same figures every time
    flat = tally.reshape(documents, -1).astype(float)
    for first in range(0, times, _BLOCK):
        size = min(_BLOCK, times - first)
        drawn = rng.multinomial(documents, np.full(documents, 1 / documents), size=size)
        yield (drawn @ flat).reshape(size, *tally.shape[1:])


def intervals(tally: Tally, figure: Figure) -> Floats:
    """95 % intervals (percentile bootstrap, Efron 1979): ``(rows, 2)``, low and high; NaN without figures."""
    drawn = np.concatenate([figure(sums) for sums in resamples(tally, 1000)])
    tails = [0.025, 0.975]
    # Resamples without gold and found spans have no figure and are left out.
    return np.array(
        [
            np.quantile(row[~np.isnan(row)], tails) if not np.isnan(row).all() else [np.nan] * 2
            for row in drawn.T
        ]
    )


@dataclass(frozen=True, slots=True)
class Difference:
    """A figure of B less the same of A, with its interval and p value.

    Args:
        a: the figure of A.
        b: the figure of B.
        low: lower end of the 95 % interval of b - a.
        high: upper end.
        p: two-sided p value: how often resampled documents would show so large a difference, in
            either direction, if there were none.
    """

    a: float
    b: float
    low: float
    high: float
    p: float

    @property
    def difference(self) -> float:
        return self.b - self.a

    @property
    def verdict(self) -> str:
        """``better`` or ``worse`` where B differs significantly, else ``cannot tell``."""
        if self.p >= ALPHA:
            return "cannot tell"
        return "better" if self.difference > 0 else "worse"


def differences(a: Tally, b: Tally, figure: Figure, *, times: int = 10_000) -> list[Difference]:
    """Paired bootstrap test of two taggers on the same documents, a `Difference` a row.

    p is two-sided, after Berg-Kirkpatrick, Burkett and Klein (2012): differences of resamples lie
    around the observed one, so their distance from it is what chance alone does. The interval holds
    the 95 % of them that lie nearest (Hall 1988), so it excludes 0 where p is under 0.05. A row
    without a figure counts as 0, as in `score.Counts`. Swapping A and B changes only the sign.

    Raises:
        NerError: the documents differ in number, or are fewer than `MIN_DOCUMENTS`.
    """
    if len(a) != len(b):
        raise NerError(f"A tagged {len(a)} documents and B {len(b)}", remedy="give both the same")
    require_enough(len(a))
    of_a, of_b = np.nan_to_num(figure(a.sum(0))), np.nan_to_num(figure(b.sum(0)))
    observed = of_b - of_a
    both = np.stack((a, b), axis=1)
    distance = np.concatenate(
        [np.abs(_paired(sums, figure) - observed) for sums in resamples(both, times)]
    )
    half_width = np.quantile(distance, 0.95, axis=0)
    as_extreme = (distance >= np.abs(observed) - _ROUNDING).sum(0)
    p = (1 + as_extreme) / (1 + times)  # the sample itself is one that could have been drawn
    return [
        Difference(float(x), float(y), float(d - w), float(d + w), float(q))
        for x, y, d, w, q in zip(of_a, of_b, observed, half_width, p)
    ]


def require_enough(documents: int) -> None:
    """Check that a difference can be tested on so many documents.

    Raises:
        NerError: they are fewer than `MIN_DOCUMENTS`.
    """
    if documents < MIN_DOCUMENTS:
        raise NerError(
            f"{documents} articles are too few to compare on",
            remedy=f"give {MIN_DOCUMENTS} at least",
        )


def _paired(sums: Floats, figure: Figure) -> Floats:
    """Differences ``(resamples, rows)`` of sums ``(resamples, 2, rows, counts)``."""
    figures = np.nan_to_num(figure(sums))
    difference: Floats = figures[:, 1] - figures[:, 0]
    return difference
