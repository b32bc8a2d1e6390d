"""What a user's own annotations bring: the shipped model fine-tuned on more and more of another corpus.

Example: ``python -m benchmarks.finetuning --picture docs/images/finetuning.png``

The corpus is UNER's Chinese GSD (encyclopedic sentences, other annotators, PER, LOC and ORG); measured
on its dev part. An article here is ten of its sentences.
"""

import json
import random
from pathlib import Path
from typing import Annotated

import typer
from matplotlib.figure import Figure

from ner import corpus
from ner.article import Article
from ner.evaluation import score
from ner.formats import article_row, dump
from ner.tagger.loading import load
from ner.training.config import DataConfig, Schedule, TrainConfig, TrainedModels
from ner.training.train import train

_SENTENCES = 10  # an article


def main(
    data: Annotated[Path, typer.Option(envvar="NER_DATA", help="The team's data.")],
    model: str = "news",
    sizes: str = "0,10,25,50,100,200",
    epochs: int = 12,
    picture: Path = Path("docs/images/finetuning.png"),
    runs: Path = Path("runs/finetuning"),
) -> None:
    """Fine-tune on each number of articles, score on dev, and draw the curve."""
    folder = data / "ner/uner_gsdsimp"
    pool = list(corpus.read([folder / "train.jsonl.gz"]))
    random.Random(0).shuffle(pool)
    dev = list(corpus.read([folder / "dev.jsonl.gz"]))
    runs.mkdir(parents=True, exist_ok=True)
    points = []
    for size in map(int, sizes.split(",")):
        name = model
        if size:
            run = runs / str(size)
            # The best epoch is chosen on a fifth of the user's articles, as users would do.
            own = pool[: size * _SENTENCES]
            held_out = max(_SENTENCES, len(own) // 5)
            config = TrainConfig(
                name="own",
                version="0",
                data=DataConfig(
                    train=(_write(runs / f"{size}-train.jsonl", own[held_out:]),),
                    dev=(_write(runs / f"{size}-dev.jsonl", own[:held_out]),),
                ),
                start=TrainedModels(models=(model,)),
                schedule=Schedule(epochs=epochs, batch_size=1024, learning_rate=3e-4),
            )
            for _ in train(config, run):
                pass
            name = str(run / "model")
        found = list(load(name).tag(article.text for article in dev))
        f1 = 100 * score.table([article.spans for article in dev], found)["outermost"].f1
        points.append((size, f1))
        print(json.dumps({"articles": size, "f1": round(f1, 2)}), flush=True)
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.plot(*zip(*points), marker="o", color="black")
    axes.set(xlabel="articles of the user's own", ylabel="strict F1 on the rest of them")
    axes.grid(alpha=0.3)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=110)


def _write(path: Path, articles: list[Article]) -> Path:
    path.write_text("".join(dump(article_row(article)) for article in articles), encoding="utf-8")
    return path


if __name__ == "__main__":
    typer.run(main)
