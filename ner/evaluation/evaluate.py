"""Scores of a model on annotated articles: every figure of `ner evaluate` and `ner compare`."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from ner.article import Article, Span
from ner.corpus import quoted
from ner.errors import NerError
from ner.evaluation.score import (
    TOTALS,
    Bin,
    Counts,
    Overlap,
    by_row,
    count,
    f1,
    labels_of,
    overlaps,
    reliability,
    tally,
)
from ner.evaluation.significance import Difference, differences, intervals

Names = frozenset[tuple[str, str]]
"""Names as they are written in texts, each with its label."""

QUOTED, SEEN, UNSEEN = "quoted BRAND", "seen", "unseen"


@dataclass(frozen=True)
class Row:
    """Strict counts over all articles.

    Args:
        counts: micro: of all articles together.
        low: lower end of the 95 % interval of F1, 0 to 1; NaN where there is nothing to score.
        high: upper end.
        macro: mean over articles of each one's F1; those without gold and found spans left out.
    """

    counts: Counts
    low: float
    high: float
    macro: float


@dataclass(frozen=True)
class Evaluation:
    """How well a model does on some articles.

    Args:
        rows: those of `score.table`; then ``quoted BRAND``: the quoted strings that are brands; then,
            where the training files are given, ``seen`` and ``unseen``: names that occur in them and
            others.
        quoted: how many quoted strings there are.
        overlaps: lenient measures, see `score.overlaps`.
        bins: reliability of the scores.
        calibration_error: expected calibration error, 0 to 1.
    """

    articles: int
    characters: int
    quoted: int
    rows: dict[str, Row]
    overlaps: dict[str, Overlap]
    bins: list[Bin]
    calibration_error: float

    def figures(self) -> dict[str, Any]:
        """The same as JSON values: shares 0 to 1, None where there is no figure."""
        rows = {
            name: {
                "precision": row.counts.precision,
                "recall": row.counts.recall,
                "f1": row.counts.f1,
                "f1_interval": [_or_none(row.low), _or_none(row.high)],
                "macro_f1": _or_none(row.macro),
                **asdict(row.counts),
            }
            for name, row in self.rows.items()
        }
        return {
            "articles": self.articles,
            "characters": self.characters,
            "quoted": self.quoted,
            "strict": rows,
            "overlaps": {name: asdict(measure) for name, measure in self.overlaps.items()},
            "reliability": [asdict(one) for one in self.bins],
            "calibration_error": _or_none(self.calibration_error),
        }


def evaluate(
    articles: Sequence[Article],
    found: Sequence[Sequence[Span]],
    *,
    known: Names | None = None,
) -> Evaluation:
    """Score the spans found in annotated articles.

    Args:
        articles: with their gold spans.
        found: the spans of each.
        known: `names` of the training articles; without it there are no rows seen and unseen.

    Raises:
        NerError: there are no articles.
    """
    if not articles:
        raise NerError("no articles to score on", remedy="name files that hold some")
    pairs = list(zip(articles, found, strict=True))
    labels = labels_of([article.spans for article in articles], found)
    rows = [
        {**by_row(article.spans, spans, labels), **dict(_extra_rows(article, spans, known))}
        for article, spans in pairs
    ]
    counts = tally(rows)
    gold = [set(article.spans) for article in articles]
    bins, error = reliability(
        [span.score for spans in found for span in spans],
        [span in right for right, spans in zip(gold, found) for span in spans],
    )
    return Evaluation(
        articles=len(articles),
        characters=sum(len(article.text) for article in articles),
        quoted=sum(1 for article in articles for _ in quoted(article.text)),
        rows={
            name: Row(Counts(*total), low, high, macro)
            for name, total, (low, high), macro in zip(
                rows[0],
                counts.sum(0).tolist(),
                intervals(counts, f1).tolist(),
                map(_mean, f1(counts).T),
            )
        },
        overlaps=overlaps([article.spans for article in articles], found),
        bins=bins,
        calibration_error=error,
    )


def compare(
    articles: Sequence[Article],
    a: Sequence[Sequence[Span]],
    b: Sequence[Sequence[Span]],
) -> dict[str, Difference]:
    """Test the difference in strict F1, B less A, for each row of `score.table`.

    Raises:
        NerError: there are too few articles for a test.
    """
    gold = [article.spans for article in articles]
    labels = labels_of(gold, a, b)
    of_a, of_b = (
        tally([by_row(*pair, labels) for pair in zip(gold, one, strict=True)]) for one in (a, b)
    )
    return dict(zip((*labels, *TOTALS), differences(of_a, of_b, f1)))


def worse_on(rows: dict[str, Difference]) -> list[str]:
    """The rows on which B is significantly worse.

    Few articles make nothing significant, so this needs a test set that is large enough to show a drop
    that matters.
    """
    return [name for name, row in rows.items() if row.verdict == "worse"]


def names(articles: Iterable[Article]) -> Names:
    """The names that occur in articles."""
    return frozenset(_name(article, span) for article in articles for span in article.spans)


def _name(article: Article, span: Span) -> tuple[str, str]:
    return article.surface(span), span.label


def _extra_rows(
    article: Article, found: Sequence[Span], known: Names | None
) -> Iterator[tuple[str, Counts]]:
    places = set(quoted(article.text))
    quotes = [
        [s for s in spans if s.label == "BRAND" and (s.start, s.end) in places]
        for spans in (article.spans, found)
    ]
    yield QUOTED, count(*quotes)
    if known is not None:
        for row, wanted in ((SEEN, True), (UNSEEN, False)):
            sides = [
                [s for s in spans if (_name(article, s) in known) is wanted]
                for spans in (article.spans, found)
            ]
            yield row, count(*sides)


def _mean(values: Any) -> float:
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _or_none(value: float) -> float | None:
    return None if np.isnan(value) else value
