"""Articles, scores and runs for people: terminal, with rich."""

from collections import Counter
from collections.abc import Iterable, Sequence

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.rule import Rule
from rich.table import Table
from rich.text import Text

from ner.article import LABELS, Article, Span
from ner.score import Counts

# Nested spans show both: the outer one's underline runs on below the inner one's colour.
STYLES = {
    "PER": "black on #f9c74f",
    "LOC": "black on #90be6d",
    "ORG": "black on #7fb3ff",
    "BRAND": "black on #f28cb1",
}
NAMES = {"PER": "person", "LOC": "place", "ORG": "organisation", "BRAND": "brand"}


def marked(text: str, spans: Sequence[Span]) -> Text:
    """A text with its spans in colour; an inner span over the one that holds it."""
    line = Text(text)
    for span in sorted(spans, key=lambda span: span.start - span.end):
        line.stylize(STYLES[span.label], span.start, span.end)
        inner = any(other.holds(span) and other != span for other in spans)
        if inner:
            line.stylize("underline", span.start, span.end)
    return line


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
    names: dict[str, Counter[str]] = {label: Counter() for label in LABELS}
    for item in items:
        for span in item.spans:
            names[span.label][item.text[span.start : span.end]] += 1
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("label", no_wrap=True)
    table.add_column("spans", justify="right")
    table.add_column("names", ratio=1, overflow="fold")  # Chinese has no blanks to break at
    for label, counter in names.items():
        listed = "、".join(
            name if times == 1 else f"{name}×{times}" for name, times in counter.most_common()
        )
        table.add_row(Text(label, style=STYLES[label]), str(counter.total()), listed)
    return table


def figures(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> Table:
    """A table of figures, its first column their names."""
    table = Table(box=None)
    for number, heading in enumerate(headings):
        if number:
            table.add_column(heading, justify="right", no_wrap=True)
        else:
            table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*row)
    return table


def score_table(rows: dict[str, Counts]) -> Table:
    """Precision, recall and F1 in per cent, a row a label."""
    return figures(
        ("label", "precision", "recall", "F1", "gold", "predicted"),
        [
            (
                name,
                *(f"{100 * x:.1f}" for x in (counts.precision, counts.recall, counts.f1)),
                str(counts.gold),
                str(counts.predicted),
            )
            for name, counts in rows.items()
        ],
    )


def console(*, stderr: bool = False) -> Console:
    """Where a command prints; colours only where a person reads."""
    return Console(stderr=stderr, highlight=False, soft_wrap=False)
