"""Articles, scores and runs for people: terminal, with rich."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from rich.box import SIMPLE_HEAD
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ner.article import Article, Span
from ner.evaluation.evaluate import QUOTED, SEEN, Evaluation, Row
from ner.evaluation.score import Bin, Overlap
from ner.evaluation.significance import Difference
from ner.labels import ordered, style


def marked(text: str, spans: Sequence[Span]) -> Text:
    """A text with its spans in colour; an inner span over the one that holds it.

    Nested spans show both: the outer one's underline runs on below the inner one's colour.
    """
    line = Text(text)
    for span in sorted(spans, key=lambda span: span.start - span.end):
        line.stylize(_color(span.label), span.start, span.end)
        inner = any(other.holds(span) and other != span for other in spans)
        if inner:
            line.stylize("underline", span.start, span.end)
    return line


def _color(label: str) -> str:
    return f"black on {style(label).light}"


def article(item: Article) -> RenderableType:
    """An article: where it stood, its text in colour, and a table of what was found.

    Between rules, not in a box: terminals disagree on how wide “ and ” are, and a box's right side
    would be ragged.
    """
    place = " · ".join(
        part
        for part in (
            item.id,
            item.paper,
            item.date.isoformat() if item.date else "",
            f"第{item.page}版" if item.page else "",
            item.section,
        )
        if part
    )
    text = marked(item.text, item.spans)
    if item.body_start:
        text.stylize("bold", 0, item.body_start)
    model = next((span.model for span in item.spans if span.model), "")
    return Group(
        Rule(Text(place, style="bold"), align="left"),
        text,
        Padding(found_table([item]), (1, 0, 0, 0)),
        Rule(model, align="right", style="dim"),
        "",
    )


def found_table(items: Iterable[Article]) -> Table:
    """Names by label, the most frequent first, with how often each stands."""
    items = list(items)
    labels = ordered(span.label for item in items for span in item.spans)
    names: dict[str, Counter[str]] = {label: Counter() for label in labels}
    for item in items:
        for span in item.spans:
            names[span.label][item.surface(span)] += 1
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("label", no_wrap=True)
    table.add_column("spans", justify="right")
    table.add_column("names", ratio=1, overflow="fold")  # Chinese has no blanks to break at
    for label, counter in names.items():
        listed = "、".join(
            name if times == 1 else f"{name}×{times}" for name, times in counter.most_common()
        )
        table.add_row(Text(label, style=_color(label)), str(counter.total()), listed)
    return table


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
    """Strict precision, recall and F1 in per cent, F1 with its interval, a row a label."""
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


def console(*, stderr: bool = False) -> Console:
    """Where a command prints; colours only where a person reads."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)
