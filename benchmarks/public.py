"""Our network on public sets of other people's labels: trained on their train part, tested once.

Example: ``python -m benchmarks.public msra --epochs 10``

Starts from our pretrained encoder. Where a set has no dev part, a tenth of train is held out. Nothing
of this is shipped: most of the sets are for research only.
"""

import gzip
import json
import random
from pathlib import Path
from typing import Annotated

import typer

from ner import corpus, render
from ner.evaluation import evaluate
from ner.tagger import load
from ner.train import Config, Data, Schedule, fit


def main(
    name: Annotated[str, typer.Argument(help="msra or uner_gsdsimp.")],
    data: Annotated[Path, typer.Option(envvar="NER_DATA", help="The team's data.")],
    start: str = "models/encoder-0.2.0/encoder.pt",
    epochs: int = 10,
    batch: int = 4096,
    rate: float = 1e-3,
    runs: Path = Path("runs/public"),
) -> None:
    """Train on a public set and score its test part."""
    run = runs / name
    run.mkdir(parents=True, exist_ok=True)
    folder = data / "ner" / name
    train, dev = run / "train.jsonl", run / "dev.jsonl"
    rows = _rows(folder / "train.jsonl.gz")
    if (folder / "dev.jsonl.gz").exists():
        held_out = _rows(folder / "dev.jsonl.gz")
    else:
        random.Random(0).shuffle(rows)
        held_out, rows = rows[: len(rows) // 10], rows[len(rows) // 10 :]
    train.write_text("".join(rows), encoding="utf-8")
    dev.write_text("".join(held_out), encoding="utf-8")
    config = Config(
        name,
        "0",
        Data((str(train),), (str(dev),)),
        characters="configs/characters.txt",
        start=start,
        schedule=Schedule(epochs=epochs, batch=batch, rate=rate),
    )
    for epoch in fit(config, run):
        print(epoch.number, {key: round(100 * c.f1, 2) for key, c in epoch.dev.items()}, flush=True)
    articles = list(corpus.read([folder / "test.jsonl.gz"]))
    found = list(load(run / "model").tag(article.text for article in articles))
    render.console().print(render.evaluation(evaluate(articles, found)))


def _rows(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [line for line in lines if json.loads(line)["text"].strip()]


if __name__ == "__main__":
    typer.run(main)
