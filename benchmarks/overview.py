"""Accuracy and speed of every system in one table and one plot: what a reader wants to know first."""

import statistics
from collections.abc import Iterator, Sequence
from pathlib import Path

from matplotlib.figure import Figure

from benchmarks.accuracy import Accuracy
from benchmarks.speed import Speed, anchor, ratio


def table(
    files: Sequence[str], accuracies: Sequence[Sequence[Accuracy]], speeds: Sequence[Speed]
) -> Iterator[str]:
    """The figures as lines of Markdown: a row a system, a column of F1 a file, in per cent.

    Args:
        files: the columns' names.
        accuracies: for each file, and in each the systems in the order of ``speeds``.
    """
    base = anchor(speeds)
    columns = " | ".join(f"{file}, PER LOC ORG / BRAND" for file in files)
    yield f"| system | {columns} | characters/s | × LAC |"
    yield "|---|" + "---|" * (len(files) + 2)
    for number, speed in enumerate(speeds):
        if speed.skipped:
            name = speed.name.partition(":")[0]
            yield f"| {name} | skipped: {speed.skipped} |" + " |" * (len(files) + 1)
            continue
        cells = [_cell(figures[number]) for figures in accuracies]
        rate = f"{statistics.median(speed.rates):,.0f}"
        yield f"| {' | '.join([speed.version, *cells, rate, ratio(speed, base)])} |"


def _cell(figure: Accuracy) -> str:
    shared, brand = figure.rows["all"], figure.rows["BRAND"]
    return f"{100 * shared.f1:.1f} / {f'{100 * brand.f1:.1f}' if brand.predicted else '–'}"


def plot(accuracies: Sequence[Accuracy], speeds: Sequence[Speed], title: str, path: Path) -> None:
    """Draw F1 of PER, LOC and ORG against characters a second, a point a system."""
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.add_subplot()
    for accuracy, speed in zip(accuracies, speeds, strict=True):
        if speed.skipped:
            continue
        rate, f1 = statistics.median(speed.rates), 100 * accuracy.rows["all"].f1
        is_ours = speed.name.startswith("ner")
        axes.scatter(
            rate, f1, s=45, marker="o" if is_ours else "s", color="C0" if is_ours else "C7"
        )
        axes.annotate(speed.version, (rate, f1), (0, 7), textcoords="offset points", ha="center")
    axes.set_xscale("log")
    axes.margins(0.15)
    axes.grid(alpha=0.3, which="both")
    axes.set_xlabel("characters a second (log)")
    axes.set_ylabel("F1 of outermost PER, LOC, ORG, %")
    axes.set_title(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
