"""Commands over words: train a word model, and look for spans that begin or end inside a word."""

from pathlib import Path
from typing import Annotated

import typer

from ner.cli.app import app
from ner.cli.corpus import DEFAULT_WORDS, PkusegModel, corpus
from ner.cli.terminal import count, say, writing


@app.command("train-words")
def train_words(
    files: Annotated[
        list[str],
        typer.Argument(
            help='JSONL of {"text", "words": [[start, end], …]}; without words LAC segments it.'
        ),
    ],
    output: Annotated[Path, typer.Option("--output", "-o", help="The model's folder.")],
    held_out: Annotated[int, typer.Option(min=1, help="Characters kept for evaluation.")] = 100_000,
    iterations: Annotated[int, typer.Option(min=1, help="Passes over the text.")] = 7,
    min_count: Annotated[int, typer.Option(min=1, help="Drop features seen less often.")] = 4,
) -> None:
    """Train a word model with spacy-pkuseg's trainer; two million characters take 20 minutes.

    Example: `ner train-words segmented.jsonl data/annotations/train.jsonl --output models/words-0.1.0`
    """
    from ner.training.words import read_segmented, train_word_model

    texts = list(read_segmented(files))
    made = train_word_model(
        texts, output, held_out=held_out, iterations=iterations, min_count=min_count
    )
    counts = made.counts
    say(
        f"trained on {made.characters:,} characters; on {made.held_out:,} held out: word F1"
        f" {100 * counts.f1:.2f} (P {100 * counts.precision:.2f}, R {100 * counts.recall:.2f}),"
        f" {made.characters_per_second:,.0f} characters/s"
    )
    say(f"model in {output}")


@corpus.command()
def snap(
    files: Annotated[list[str], typer.Argument(help="Annotated JSONL.")],
    output: Annotated[
        str, typer.Option("--output", "-o", help="JSONL of suggestions, or -.")
    ] = "-",
    pkuseg_model: PkusegModel = DEFAULT_WORDS,
) -> None:
    """List spans that begin or end inside a word, each with a suggested correction; changes nothing.

    Example: `ner corpus snap data/annotations/dev.jsonl`
    """
    from ner.corpus import read, snap_rows
    from ner.formats import dump
    from ner.words import load

    total = 0
    with writing(output) as sink:
        for row in snap_rows(read(files), load(pkuseg_model)):
            total += 1
            sink.write(dump(row))
    say(count(total, "suggestion"))
