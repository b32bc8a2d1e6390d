"""Commands over articles: into the store, tagged, and out again."""

from collections import Counter
from typing import Annotated

import typer

from ner.cli.app import (
    DEFAULT_STORE,
    StoreUrl,
    app,
)
from ner.cli.terminal import (
    interruption,
    progress,
    say,
    say_dropped,
    say_error,
    say_skipped,
)
from ner.errors import NerError

Fields = Annotated[
    list[str] | None,
    typer.Option(
        "--field",
        metavar="OURS=THEIRS",
        help="The name of a field or column in the files, for example body=content; repeatable.",
    ),
]


@app.command()
def ingest(
    paths: Annotated[
        list[str],
        typer.Argument(help="Files, patterns, folders (with --recursive), or - for stdin."),
    ],
    store: StoreUrl = DEFAULT_STORE,
    recursive: Annotated[
        bool, typer.Option("--recursive", "-r", help="Read all files in folders.")
    ] = False,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="page, txt, html, docx, xlsx, json, jsonl, csv, parquet, or a format of `ner export`"
            " (its text is read); detected if omitted.",
        ),
    ] = "",
    field: Fields = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Where a text changed, delete the old with its spans.")
    ] = False,
) -> None:
    """Read articles into the store: e-paper pages, text, HTML, Word, Excel, JSON, CSV, Parquet, zip.

    Says how many files of which kind it skipped. Exit status 1 where anything could not be read, or
    nothing was.

    Example: `ner ingest pages/*.txt --store sqlite:///articles.db`
    """
    from ner.formats import find
    from ner.formats.reader import read
    from ner.formats.source import printable
    from ner.store import Store

    _check_format(form)
    fields = field_names(field)
    counts, skipped, dropped = Counter[str](), Counter[str](), Counter[str]()
    files = find(paths, recursive=recursive, skipped=skipped)
    kept = "what was stored stays, and the same command goes on"
    with interruption(kept), Store(store, create=True) as opened:
        opening = progress(files, "ingesting files", total=len(files))
        items = read(opening, form=form, fields=fields, dropped=dropped, skipped=skipped)
        names = [printable(str(path)) for path in files if path]
        for added in opened.add(items, replace=replace, files=names):
            counts[added.outcome] += 1
            if added.failure:
                say_error(str(added.failure))
    say_dropped(dropped, "an article")
    say_skipped(skipped)
    if not counts:
        raise NerError("nothing was read", remedy="name files, or folders with --recursive")
    say(", ".join(f"{number:,} {outcome}" for outcome, number in sorted(counts.items())))
    if counts["failed"]:
        raise typer.Exit(1)


def _check_format(form: str) -> None:
    from ner.formats import FORMATS

    if form and form not in FORMATS:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(FORMATS)}")


def field_names(pairs: list[str] | None) -> dict[str, str]:
    """``OURS=THEIRS`` options to a mapping."""
    from ner.formats import FIELDS

    fields = {}
    for pair in pairs or ():
        ours, equals, theirs = pair.partition("=")
        if not equals or ours not in FIELDS:
            raise NerError(
                f"--field {pair} is not a mapping",
                remedy=f"OURS=THEIRS, OURS one of {', '.join(FIELDS)}",
            )
        fields[ours] = theirs
    return fields
