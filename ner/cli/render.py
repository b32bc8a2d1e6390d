"""Articles, scores and runs for people: terminal, with rich."""

import math
from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from ner.evaluation.evaluate import QUOTED, SEEN, Evaluation, Row
from ner.evaluation.score import Bin, Overlap
from ner.evaluation.significance import Difference


def figures(headings: Sequence[str], rows: Iterable[Sequence[str]] = ()) -> Table:
    """A table of figures, its first column their names."""
    first, *others = headings
    table = Table(box=SIMPLE_HEAD, show_edge=False, padding=(0, 1, 0, 0))
    table.add_column(first, overflow="fold", min_width=11)
    for heading in others:
        table.add_column(heading, justify="right", no_wrap=True)
    for row in rows:
        table.add_row(*row)
    return table


def evaluation(result: Evaluation) -> RenderableType:
    """Every figure of an evaluation, in per cent, within 80 columns."""
    return Group(
        Text(
            f"{result.articles:,} articles, {result.characters:,} characters,"
            f" {result.quoted:,} quoted strings"
        ),
        "",
        score_table(result.rows),
        "",
        _overlap_table(result.overlaps),
        "",
        _reliability_table(result.bins),
        f" expected calibration error {_percent(result.calibration_error)}",
    )


def score_table(rows: Mapping[str, Row]) -> Table:
    """Strict precision, recall and F1 in per cent, F1 with its interval, one row per label."""
    table = figures(
        ("strict", "precision", "recall", "F1", "95 % of F1", "macro F1", "gold", "found")
    )
    for name, row in rows.items():
        if name in ("all", QUOTED, SEEN):
            table.add_section()
        counts = row.counts
        table.add_row(
            name,
            *map(_percent, (counts.precision, counts.recall, counts.f1)),
            f"{_percent(row.low)} – {_percent(row.high)}",
            _percent(row.macro),
            str(counts.gold),
            str(counts.predicted),
        )
    return table


def _overlap_table(rows: Mapping[str, Overlap]) -> Table:
    table = figures(
        (
            "outermost",
            *("precision", "recall", "F1", "right", "half", "wrong", "missed", "spurious"),
        )
    )
    for name, row in rows.items():
        shares = map(_percent, (row.precision, row.recall, row.f1))
        counts = (row.correct, row.partial, row.incorrect, row.missed, row.spurious)
        table.add_row(name, *shares, *map(str, counts))
    return table


def _reliability_table(bins: Iterable[Bin]) -> Table:
    table = figures(("score", "mean score", "right", "spans"))
    for one in bins:
        shares = map(_percent, (one.score, one.right))
        table.add_row(f"{100 * one.low:.0f} – {100 * one.high:.0f}", *shares, str(one.count))
    return table


def comparison(rows: Mapping[str, Difference]) -> Table:
    """Differences in points of F1, B less A, each with a plain conclusion."""
    table = figures(("strict F1", "A", "B", "B - A", "95 % of B - A", "p"))
    table.add_column("B is")
    for name, row in rows.items():
        if name == "all":
            table.add_section()
        table.add_row(
            name,
            _percent(row.a),
            _percent(row.b),
            f"{100 * row.difference:+.1f}",
            f"{100 * row.low:+.1f} to {100 * row.high:+.1f}",
            f"{row.p:.3f}" if row.p >= 0.001 else "< 0.001",
            Text(row.verdict, {"better": "green", "worse": "red"}.get(row.verdict, "dim")),
        )
    return table


def _percent(share: float) -> str:
    return "–" if math.isnan(share) else f"{100 * share:.1f}"
