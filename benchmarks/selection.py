"""Does a model learn more from sentences that `ner annotate select` chooses than from random ones?

Example: ``python -m benchmarks.selection --picture docs/images/selection.png``

On our own corpus. A first model is trained on some random sentences; it tags the rest of the training part,
and sentences are selected by its spans. Then a model is trained on the first sentences and a number of the
selected ones, or the same number of random ones; F1 is that of the best epoch on dev. Repeated with
other seeds.
"""

import json
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Annotated

import typer
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ner import corpus
from ner.annotation.pool import Unit
from ner.annotation.select import select, split_sentences
from ner.article import Article
from ner.formats import article_row, dump
from ner.tagger.loading import load
from ner.training.config import DataConfig, PretrainedEncoder, Schedule, TrainConfig
from ner.training.train import train

ROOT = Path(__file__).parents[1]
ARMS = {"selected": "black", "random": "gray"}
Point = tuple[str, int, int, float]
"""Arm, sentences, their characters, F1 in per cent."""


def main(
    encoder: Path = ROOT / "models/encoder-0.2.0/encoder.pt",
    data: Annotated[Path, typer.Option(help="Folder of train.jsonl and dev.jsonl.")] = ROOT
    / "data/annotations",
    sizes: str = "125,250,500",
    first: int = 100,
    times: int = 3,
    epochs: int = 10,
    picture: Path = Path("docs/images/selection.png"),
    runs: Path = Path("runs/selection"),
) -> None:
    """Train both arms, print each point, and draw the curves. Killed and called again, it goes on."""
    numbers = list(map(int, sizes.split(",")))
    pool = [
        unit.article
        for article in corpus.read([data / "train.jsonl"])
        for unit in split_sentences(Unit(article))
    ]
    points: list[Point] = []
    for seed in range(times):
        shuffled = random.Random(seed).sample(pool, len(pool))
        known, rest = shuffled[:first], shuffled[first:]
        folder = runs / str(seed)
        f1_of = partial(_train, encoder, data / "dev.jsonl", seed, epochs)
        f1_of(known, folder / "first")
        arms = {"selected": _chosen(folder / "first/model", rest, known), "random": rest}
        for size in numbers:
            for arm, articles in arms.items():
                added = list(islice(articles, size))
                f1 = f1_of([*known, *added], folder / f"{arm}-{size}")
                points.append((arm, size, sum(len(one.text) for one in added), f1))
                keys = ("arm", "sentences", "characters", "f1")
                print(json.dumps({"seed": seed, **dict(zip(keys, points[-1]))}), flush=True)
    _draw(points, picture)


def _chosen(model: Path, rest: Sequence[Article], known: Sequence[Article]) -> list[Article]:
    """The rest in the order of `select`, by what a model finds; with their gold spans."""
    found = load(model).tag(article.text for article in rest)
    units = [Unit(replace(article, spans=tuple(spans))) for article, spans in zip(rest, found)]
    gold = {article.id: article for article in rest}
    budget = sum(len(article.text) for article in rest)
    return [gold[choice.article.id] for choice in select(units, budget, known=known)]


def _train(
    encoder: Path, dev: Path, seed: int, epochs: int, articles: Sequence[Article], run: Path
) -> float:
    """F1 of the best epoch, in per cent."""
    run.mkdir(parents=True, exist_ok=True)
    file = run / "train.jsonl"
    file.write_text("".join(dump(article_row(one)) for one in articles), encoding="utf-8")
    config = TrainConfig(
        name="selection",
        version="0",
        data=DataConfig(train=(file,), dev=(dev,)),
        characters=ROOT / "configs/characters.txt",
        start=PretrainedEncoder(encoder=encoder),
        seed=seed,
        schedule=Schedule(epochs=epochs, batch_size=1024),
    )
    for _ in train(config, run):
        pass
    metrics = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return max(100 * float(json.loads(line)["dev_f1"]["all"]) for line in metrics)


def _draw(points: Sequence[Point], picture: Path) -> None:
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2, sharey=True)
    _curves(left, points, of=1)
    _curves(right, points, of=2)
    left.set(xlabel="sentences labelled", ylabel="strict F1 on dev, all labels")
    right.set(xlabel="characters read for that")
    left.legend(frameon=False)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)


def _curves(axes: Axes, points: Sequence[Point], *, of: int) -> None:
    """Each run as a dot, and a line through the means."""
    for arm, colour in ARMS.items():
        ours = [point for point in points if point[0] == arm]
        axes.plot([p[of] for p in ours], [p[3] for p in ours], ".", color=colour, alpha=0.4)
        sizes = sorted({point[1] for point in ours})
        groups = [[point for point in ours if point[1] == size] for size in sizes]
        x = [sum(float(p[of]) for p in group) / len(group) for group in groups]
        y = [sum(p[3] for p in group) / len(group) for group in groups]
        axes.plot(x, y, color=colour, label=arm)
    axes.grid(alpha=0.3)
    axes.locator_params(axis="x", nbins=5)


if __name__ == "__main__":
    typer.run(main)
