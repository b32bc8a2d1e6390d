"""Our network on public sets of other people's labels: trained on their train part, tested once.

Example: ``python -m benchmarks.public msra --epochs 10 --write docs/benchmarks.md``

Starts from our pretrained encoder, or with ``--start news`` from our model. Where a set has no dev part,
a tenth of train is held out; where it has no test part (CLUENER), dev is the test, as in the literature.
Nothing of this is shipped: most of the sets are for research only.
"""

import gzip
import json
import random
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import report
from ner.labels import LABELS

OTHERS = {  # strict F1 of flat spans on the test part, as published
    "msra": "Lattice-LSTM 93.18, SoftLexicon 93.66, FLAT 94.35, best without BERT 94.40, LEBERT 95.70",
    "uner_gsdsimp": "NameTag 3, 355 M parameters: 91.0",
    "weibo": "SoftLexicon 61.42",
    "resume": "SoftLexicon 95.53",
    "cluener": "BiLSTM-CRF 70.00",
}


def main(
    name: Annotated[str, typer.Argument(help="msra, uner_gsdsimp, weibo, resume or cluener.")],
    data: Annotated[Path, typer.Option(envvar="NER_DATA", help="The team's data.")],
    start: str = "models/encoder-0.2.0/encoder.pt",
    epochs: int = 10,
    batch: int = 4096,
    rate: float = 1e-3,
    runs: Path = Path("runs/public"),
    write: Annotated[Path | None, typer.Option(help="Put the figures into this page.")] = None,
) -> None:
    """Train on a public set and score its test part."""
    lines = report.conditions("benchmarks.public")
    run = runs / name
    run.mkdir(parents=True, exist_ok=True)
    parts = _parts(data / "ner" / name)
    labels = _labels(parts)
    from ner import corpus
    from ner.cli import render
    from ner.cli.console import console
    from ner.evaluation.evaluate import evaluate
    from ner.tagger.loading import load
    from ner.training.train import Config, Data, Schedule, fit

    files = {part: run / f"{part}.jsonl" for part in parts}
    for part, rows in parts.items():
        files[part].write_text("".join(rows), encoding="utf-8")
    config = Config(
        name,
        "0",
        Data((str(files["train"]),), (str(files["dev"]),)),
        characters="configs/characters.txt",
        start=start,
        labels=labels,
        schedule=Schedule(epochs=epochs, batch=batch, rate=rate),
    )
    for epoch in fit(config, run):  # what was trained before is not trained again
        print(epoch.number, {key: round(100 * c.f1, 2) for key, c in epoch.dev.items()}, flush=True)
    articles = list(corpus.read([files["test"]]))
    found = list(load(run / "model").tag(article.text for article in articles))
    result = evaluate(articles, found)
    console().print(render.evaluation(result))
    wanted = (*labels, "outermost")
    figures = {row: result.rows[row] for row in wanted if result.rows[row].counts.gold}
    lines += ["", f"In the literature: {OTHERS.get(name, 'nothing known here')}.", ""]
    lines += ["| | precision | recall | F1 | 95 % of F1 | gold |", "|---|---|---|---|---|---|"]
    for label, row in figures.items():
        shares = (row.counts.precision, row.counts.recall, row.counts.f1)
        between = f"{100 * row.low:.1f} – {100 * row.high:.1f}"
        cells = [*(f"{100 * share:.2f}" for share in shares), between, str(row.counts.gold)]
        lines.append(f"| {' | '.join([label, *cells])} |")
    if write:
        report.write(write, f"{name} from {start}", lines)


def _parts(folder: Path) -> dict[str, list[str]]:
    """Lines of train, dev and test."""
    parts = {path.name.split(".")[0]: _rows(path) for path in sorted(folder.glob("*.jsonl.gz"))}
    if "test" not in parts:
        parts["test"] = parts.pop("dev")
    if "dev" not in parts:
        random.Random(0).shuffle(parts["train"])
        tenth = len(parts["train"]) // 10
        parts["dev"], parts["train"] = parts["train"][:tenth], parts["train"][tenth:]
    return parts


def _labels(parts: dict[str, list[str]]) -> tuple[str, ...]:
    found = {
        span[2] for rows in parts.values() for row in rows for span in json.loads(row)["spans"]
    }
    # Ours where they are enough, so that our models can be started from.
    return LABELS if found <= set(LABELS) else tuple(sorted(found))


def _rows(path: Path) -> list[str]:
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [line for line in lines if json.loads(line)["text"].strip()]


if __name__ == "__main__":
    typer.run(main)
