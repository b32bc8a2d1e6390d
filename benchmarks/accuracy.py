"""Accuracy: strict F1 of outermost names, labels mapped to ours, on annotated files."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from benchmarks.worker import Worker
from ner.article import Article, Span, outermost
from ner.errors import NerError
from ner.evaluation.score import Counts, count

SHARED = ("PER", "LOC", "ORG")


@dataclass(slots=True)
class Accuracy:
    """One system's counts by label, and ``all`` for the three labels that every system has."""

    name: str
    version: str = ""
    rows: dict[str, Counts] = field(default_factory=dict)
    skipped: str = ""


def names_of(spans: Iterable[Span], labels: Sequence[str]) -> list[Span]:
    """The outermost of the spans with these labels: what a flat scheme without the others would mark."""
    return outermost(span for span in spans if span.label in labels)


def score(gold: Sequence[Iterable[Span]], found: Sequence[Iterable[Span]]) -> dict[str, Counts]:
    """Strict counts over texts: a row a label, ``all``, and BRAND, which only ours gives."""
    rows = {label: Counts() for label in (*SHARED, "all", "BRAND")}
    for right, given in zip(gold, found, strict=True):
        right, given = list(right), list(given)
        ours, theirs = names_of(right, SHARED), names_of(given, SHARED)
        rows["all"] += count(ours, theirs)
        for label in SHARED:
            rows[label] += count(
                (s for s in ours if s.label == label), (s for s in theirs if s.label == label)
            )
        rows["BRAND"] += count(names_of(right, ("BRAND",)), names_of(given, ("BRAND",)))
    return rows


def measure(names: Sequence[str], articles: Sequence[Article]) -> list[Accuracy]:
    """Tag the articles with every system; those that cannot be loaded are skipped."""
    figures = []
    for name in names:
        try:
            with Worker(name) as worker:
                found = worker.run([article.text for article in articles]).spans
                rows = score([article.spans for article in articles], found)
                figures.append(Accuracy(name, worker.version, rows))
        except NerError as error:
            figures.append(Accuracy(name, skipped=str(error)))
    return figures


def table(figures: Sequence[Accuracy]) -> Iterator[str]:
    """The figures as lines of Markdown, in per cent."""
    yield "| system | version | PER | LOC | ORG | all three | precision / recall | BRAND |"
    yield "|---|---|---|---|---|---|---|---|"
    for figure in figures:
        name = figure.name.partition(":")[0]
        if figure.skipped:
            yield f"| {name} | skipped: {figure.skipped} | | | | | | |"
            continue
        labels = " | ".join(f"{100 * figure.rows[label].f1:.1f}" for label in SHARED)
        whole, brand = figure.rows["all"], figure.rows["BRAND"]
        yield (
            f"| {name} | {figure.version} | {labels} | {100 * whole.f1:.1f}"
            f" | {100 * whole.precision:.1f} / {100 * whole.recall:.1f}"
            f" | {f'{100 * brand.f1:.1f}' if brand.predicted else '–'} |"
        )
