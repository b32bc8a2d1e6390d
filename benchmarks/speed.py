"""Speed: characters per second from raw text to spans, round-robin, each system in its own process."""

import itertools
import statistics
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field

from benchmarks.worker import Worker
from ner.errors import NerError

ANCHORS = ("lac", "lac-lines")


@dataclass(slots=True)
class Speed:
    """One system's figures; ``skipped`` says why there are none.

    ``rates`` are characters per second, one for each round; ``memory`` is in bytes.
    """

    name: str
    version: str = ""
    load_seconds: float = 0.0
    memory: int = 0
    rates: list[float] = field(default_factory=list)
    skipped: str = ""


def enough(texts: Sequence[str], characters: int) -> list[str]:
    """The texts, repeated until they have so many characters."""
    taken, total = [], 0
    for text in itertools.cycle(texts):
        if total >= characters:
            break
        taken.append(text)
        total += len(text)
    return taken


def measure(names: Sequence[str], texts: list[str], rounds: int) -> list[Speed]:
    """Time every system on the same texts; a round runs each once, and each round begins with another system.

    Before the first round each system tags a tenth of the texts as a warm-up. Systems that cannot be loaded
    are skipped with their reason.
    """
    characters = sum(map(len, texts))
    figures = []
    with ExitStack() as stack:
        workers: list[tuple[Worker, Speed]] = []
        for name in names:
            try:
                worker = stack.enter_context(Worker(name))
            except NerError as error:
                figures.append(Speed(name, skipped=str(error)))
                continue
            figures.append(Speed(name, worker.version, worker.load_seconds))
            workers.append((worker, figures[-1]))
            worker.run(texts[: max(1, len(texts) // 10)])
        for number in range(rounds):
            first = number % max(1, len(workers))
            for worker, figure in workers[first:] + workers[:first]:
                answer = worker.run(texts)
                figure.rates.append(characters / answer.seconds)
                figure.memory = answer.memory
    return figures


def anchor(figures: Sequence[Speed]) -> Speed | None:
    """LAC at its best: the faster of its two kinds of input, lines or texts."""
    found = [f for f in figures if f.name in ANCHORS and f.rates]
    return max(found, key=lambda f: statistics.median(f.rates), default=None)


def ratio(figure: Speed, base: Speed | None) -> str:
    """How many times as fast as the base: the median of each round's ratio; – without a base."""
    if not base:
        return "–"
    return f"{statistics.median(a / b for a, b in zip(figure.rates, base.rates)):.2f}"


def table(figures: Sequence[Speed]) -> Iterator[str]:
    """The figures as lines of Markdown."""
    base = anchor(figures)
    yield "| system | version | characters/s, median (range) | × LAC | load, s | peak memory, MB |"
    yield "|---|---|---|---|---|---|"
    for figure in figures:
        name = figure.name.partition(":")[0]
        if figure.skipped:
            yield f"| {name} | skipped: {figure.skipped} | | | | |"
            continue
        rate = statistics.median(figure.rates)
        low, high = min(figure.rates), max(figure.rates)
        yield (
            f"| {name} | {figure.version} | {rate:,.0f} ({low:,.0f}–{high:,.0f}) | {ratio(figure, base)}"
            f" | {figure.load_seconds:.2f} | {figure.memory / 1e6:,.0f} |"
        )
