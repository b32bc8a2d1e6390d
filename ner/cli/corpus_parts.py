"""Commands that take corpora apart and put them together: by article, and annotations without their texts."""

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.corpus import Files, corpus
from ner.cli.terminal import count, say, writing
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.formats import Row


@corpus.command()
def split(
    files: Files,
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The folder for train, dev and test.jsonl.")
    ],
    train: Annotated[float, typer.Option(min=0, help="Share of train.jsonl.")] = 0.8,
    dev: Annotated[float, typer.Option(min=0, help="Share of dev.jsonl.")] = 0.1,
    test: Annotated[float, typer.Option(min=0, help="Share of test.jsonl.")] = 0.1,
    seed: Annotated[int, typer.Option(help="Another seed gives another split.")] = 0,
) -> None:
    """Split into train, dev and test by a hash of the article's id, so that no article moves later.

    Example: `ner corpus split all.jsonl --output parts --train 0.7 --dev 0.15 --test 0.15`
    """
    from ner.corpus import entries, strict
    from ner.corpus import split as split_entries
    from ner.formats import dump

    parts = split_entries(strict(entries(files)), {"train": train, "dev": dev, "test": test}, seed)
    output.mkdir(parents=True, exist_ok=True)
    for name, found in parts.items():
        with writing(str(output / f"{name}.jsonl")) as sink:
            sink.writelines(dump(entry.row) for entry in found)
    say(", ".join(f"{len(found):,} {name}" for name, found in parts.items()))


@corpus.command()
def merge(
    files: Files,
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or -.")] = "-",
    prefer: Annotated[
        str, typer.Option(help="first or last: which of two versions of an article to keep.")
    ] = "",
) -> None:
    """Merge files into one; an article in several of them must be the same, unless --prefer decides.

    Example: `ner corpus merge july.jsonl august.jsonl --output all.jsonl --prefer last`
    """
    from ner.corpus import entries, strict
    from ner.corpus import merge as merged
    from ner.formats import dump

    if prefer not in ("", "first", "last"):
        raise NerError(f"unknown --prefer {prefer!r}", remedy="first or last")
    kept = merged(strict(entries(files)), prefer=prefer)
    with writing(output) as sink:
        sink.writelines(dump(entry.row) for entry in kept)
    say(count(len(kept), "article"))


@corpus.command()
def detach(
    files: Files,
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or -.")] = "-",
) -> None:
    """Write annotations without their texts, for texts that may not be passed on.

    A line holds an article's id, the length and SHA-256 of its text, and its spans.

    Example: `ner corpus detach ours.jsonl --output ours.spans.jsonl`
    """
    from ner.corpus import detach as detached
    from ner.corpus import read

    say(count(_write(detached(read(files)), output), "article"))


@corpus.command()
def attach(
    spans: Annotated[Path, typer.Argument(help="What detach wrote.", metavar="SPANS")],
    texts: Annotated[
        list[Path], typer.Option(help="JSONL with the texts; give it once for each file.")
    ],
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or -.")] = "-",
) -> None:
    """Put annotations and their texts together again; classes of quoted strings and their contexts, too.

    Example: `ner corpus attach ours.spans.jsonl --texts raw.jsonl.gz --output ours.jsonl`
    """
    from ner.corpus import attach as attached
    from ner.corpus import attach_quotes, holds_quotes

    rows = (attach_quotes if holds_quotes(spans) else attached)(spans, texts)
    say(count(_write(rows, output), "row"))


def _write(rows: Iterable["Row"], output: str) -> int:
    """Write JSON lines; how many they are."""
    from ner.formats import dump

    number = 0
    with writing(output) as sink:
        for row in rows:
            sink.write(dump(row))
            number += 1
    return number
