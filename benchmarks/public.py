"""Our network on public sets of other people's labels: trained on their train part, tested once.

Example: ``python -m benchmarks.public msra --epochs 10 --write docs/benchmarks.md``

Starts from our pretrained encoder, or with ``--start news`` from our model, whose head is learnt anew for
labels that it does not know. Where a set has no dev part, a tenth of train is held out; where it has no test
part (CLUENER), dev is the test, as in the literature.
Nothing of this is shipped: most of the sets are for research only.
"""

import gzip
import json
import random
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Annotated

import typer

from benchmarks import report
from ner import corpus
from ner.evaluation.evaluate import Evaluation, evaluate
from ner.labels import LABELS
from ner.tagger.loading import load
from ner.training.config import (
    DataConfig,
    PretrainedEncoder,
    Schedule,
    TrainConfig,
    TrainedModels,
)
from ner.training.train import Epoch, train

ROOT = Path(__file__).parents[1]
ENCODER = ROOT / "models/encoder-0.2.0/encoder.pt"
CHARACTERS = ROOT / "configs/characters.txt"
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
    start: Annotated[str, typer.Option(help="An encoder's file, or a model.")] = str(ENCODER),
    epochs: int = 10,
    batch_size: int = 4096,
    learning_rate: float = 1e-3,
    encoder_learning_rate: Annotated[
        float | None,
        typer.Option(help="Of a pretrained encoder's weights; as the others' if omitted."),
    ] = None,
    runs: Path = Path("runs/public"),
    write: Annotated[Path | None, typer.Option(help="Put the figures into this page.")] = None,
) -> None:
    """Train on a public set and score its test part."""
    lines = report.conditions("benchmarks.public")
    parts = _parts(data / "ner" / name)
    labels = _labels(parts)
    run = runs / name
    run.mkdir(parents=True, exist_ok=True)
    files = {part: run / f"{part}.jsonl" for part in parts}
    for part, rows in parts.items():
        files[part].write_text("".join(rows), encoding="utf-8")
    is_file = Path(start).is_file()
    config = TrainConfig(
        name=name,
        version="0",
        data=DataConfig(train=(files["train"],), dev=(files["dev"],)),
        characters=CHARACTERS,
        start=PretrainedEncoder(encoder=Path(start)) if is_file else TrainedModels(models=(start,)),
        labels=labels,
        schedule=Schedule(
            epochs=epochs,
            batch_size=batch_size,
            learning_rate=learning_rate,
            encoder_learning_rate=encoder_learning_rate,
        ),
    )
    for event in train(config, run):  # a run that was done before is not done again
        if isinstance(event, Epoch):
            f1 = {key: round(100 * counts.f1, 2) for key, counts in event.dev.items()}
            print(event.number, f1, flush=True)
    articles = list(corpus.read([files["test"]]))
    found = list(load(run / "model").tag(article.text for article in articles))
    lines += ["", f"In the literature: {OTHERS.get(name, 'nothing known here')}.", ""]
    lines += _table(evaluate(articles, found), labels)
    typer.echo("\n".join(lines))
    if write:
        report.write(write, f"{name} from {start}", lines)


def _table(result: Evaluation, labels: Sequence[str]) -> Iterator[str]:
    """Precision, recall and F1 of each label that occurs and of outermost spans, as Markdown."""
    yield "| | precision | recall | F1 | 95 % of F1 | gold |"
    yield "|---|---|---|---|---|---|"
    for label in (*labels, "outermost"):
        row = result.rows.get(label)
        if row and row.counts.gold:
            shares = (row.counts.precision, row.counts.recall, row.counts.f1)
            interval = f"{100 * row.low:.1f} – {100 * row.high:.1f}"
            cells = [*(f"{100 * share:.2f}" for share in shares), interval, str(row.counts.gold)]
            yield f"| {' | '.join([label, *cells])} |"


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
