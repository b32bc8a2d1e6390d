"""Commands over articles: into the store, tagged, and out again."""

import contextlib
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import (
    DEFAULT_MODEL,
    DEFAULT_STORE,
    Least,
    ModelName,
    StoreUrl,
    app,
    thresholds,
)
from ner.cli.terminal import (
    count,
    interruption,
    progress,
    say,
    say_dropped,
    say_error,
    say_skipped,
    writing,
)
from ner.errors import NerError
from ner.files import is_stream

if TYPE_CHECKING:
    from ner.tagger.loading import Tagger

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
    from ner.formats.reader import FORMS

    if form and form not in FORMS:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(FORMS)}")


@app.command()
def tag(
    input: Annotated[
        str,
        typer.Option(
            "--input",
            "-i",
            help="JSONL of {id, text}, a file of `ner ingest`, a folder of such, or -; the store if omitted.",
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", help="JSONL of {id, spans}, or -.")
    ] = "-",
    store: StoreUrl = DEFAULT_STORE,
    article: Annotated[
        list[str] | None, typer.Option(help="Only this article of the store; repeatable.")
    ] = None,
    model: ModelName = DEFAULT_MODEL,
    least: Least = None,
) -> None:
    """Tag the articles of the store that the model has not tagged yet, or a file as it is read.

    A line of JSONL gives a line of {id, spans}; an article of another form also has its text there. What
    --least leaves out of the store is found again only with --article; `ner show --least` and
    `ner export --least` leave the store as it is.

    Example: `ner tag --store sqlite:///articles.db`

    Example: `ner tag --input articles.jsonl --output spans.jsonl`
    """
    from ner.tagger.loading import load

    tagger = load(model, threshold=thresholds(least))
    if input:
        _tag_lines(input, output, tagger)
    else:
        _tag_store(store, article or [], tagger)


def _tag_lines(input: str, output: str, tagger: "Tagger") -> None:
    from ner.batch.jsonl import tag_file
    from ner.batch.resume import partial_file, tag_to_file

    path, target = None if input == "-" else Path(input), Path(output)
    skipped = Counter[str]()
    with contextlib.ExitStack() as stack:
        stack.callback(say_skipped, skipped)
        if output == "-" or is_stream(target):
            sink = stack.enter_context(writing(output))
            lines = tag_file(tagger, path, skipped=skipped)
        else:
            partial = partial_file(tagger, path, target)
            goes_on = "; the same command goes on" if path and path.is_file() else ""
            stack.enter_context(interruption(f"what was tagged is in {partial}{goes_on}"))
            sink, lines = None, tag_to_file(tagger, path, target, skipped=skipped)
        failed = 0
        for line in progress(lines, "tagging"):
            if sink:
                sink.write(line.json)
                sink.flush()
            if line.error:
                failed += 1
                if not line.is_old:
                    say_error(str(line.error))
    if failed:
        raise typer.Exit(1)


def _tag_store(url: str, ids: list[str], tagger: "Tagger") -> None:
    from ner.batch.ends import model_key
    from ner.batch.local import tag_store
    from ner.store import Store

    kept = "what was tagged is stored, and the same command goes on"
    with interruption(kept), Store(url) as store:
        left = len(ids) or store.count_untagged(model_key(tagger))
        done = spans = failed = 0
        for step in progress(tag_store(store, tagger, ids=ids), "tagging", total=left):
            done += step.failure is None
            spans += sum(step.spans.values())
            if step.failure:
                failed += 1
                say_error(str(step.failure))
    tagged = f"{count(done, 'article')} tagged by {tagger}, {count(spans, 'span')}"
    say(tagged if left else f"nothing left to tag: {tagger} has tagged every article")
    if failed:
        raise typer.Exit(1)


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
