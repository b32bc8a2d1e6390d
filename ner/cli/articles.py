"""Commands over articles: into the store, tagged, shown, and out again."""

from typing import Annotated

import typer

from ner.cli.app import DEFAULT_MODEL, DEFAULT_STORE, ModelName, StoreUrl, app
from ner.cli.terminal import progress, readable, reading, save, say, say_error, writing
from ner.errors import NerError


@app.command()
def ingest(
    paths: Annotated[
        list[str], typer.Argument(help="Files, globs, folders (with --recursive), or - for stdin.")
    ],
    store: StoreUrl = DEFAULT_STORE,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Read folders.")] = False,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="page, txt, jsonl, csv, parquet, or a form of `ner export`, of which the text is"
            " read; guessed if not said.",
        ),
    ] = "",
    field: Annotated[
        list[str] | None, typer.Option(help="OURS=THEIRS, for example body=content; repeatable.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Where a text changed, drop the old with its spans.")
    ] = False,
) -> None:
    """Read articles into the store: e-paper pages, text, JSONL, CSV, Parquet.

    Example: `ner ingest pages/*.txt --store sqlite:///articles.db`
    """
    from ner.formats import find
    from ner.formats.reader import FORMS, read
    from ner.store import Store

    if form and form not in FORMS:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(FORMS)}")
    files = find(paths, recursive=recursive)
    counts: dict[str, int] = {}
    with Store(store, create=True) as opened:
        items = read(files, form=form, fields=field_names(field))
        for added in progress(opened.add(items, replace=replace), "ingesting"):
            counts[added.outcome] = counts.get(added.outcome, 0) + 1
            if added.failure:
                say_error(str(added.failure))
    say(", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())))
    if counts.get("failed"):
        raise typer.Exit(1)


@app.command()
def tag(
    input: Annotated[
        str, typer.Option("--input", "-i", help="JSONL of {id, text}, or -; else the store.")
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", help="JSONL of {id, spans}, or -.")
    ] = "-",
    store: StoreUrl = DEFAULT_STORE,
    article: Annotated[
        list[str] | None, typer.Option(help="Only this article of the store; repeatable.")
    ] = None,
    model: ModelName = DEFAULT_MODEL,
) -> None:
    """Tag what the store holds untagged, or JSONL line by line.

    Example: `ner tag --store sqlite:///articles.db`

    Example: `ner tag --input articles.jsonl --output spans.jsonl`
    """
    if input:
        _tag_lines(input, output, model)
    else:
        _tag_store(store, article or [], model)


def _tag_lines(input: str, output: str, model: str) -> None:
    from ner.batch.jsonl import tag_lines
    from ner.tagger.loading import load

    bad = 0
    name = "<stdin>" if input == "-" else input
    with reading(input) as source, writing(output) as sink:
        for line in progress(tag_lines(load(model), source, name), "tagging"):
            sink.write(line.json)
            if line.error:
                bad += 1
                say_error(str(line.error))
    if bad:
        raise typer.Exit(1)


def _tag_store(url: str, ids: list[str], model: str) -> None:
    from ner.batch.local import model_key, run
    from ner.store import Store
    from ner.tagger.loading import load

    with Store(url) as store:
        tagger = load(model)
        left = len(ids) or store.count(untagged_by=model_key(tagger))
        done = spans = failed = 0
        for step in progress(run(store, tagger, ids=ids), "tagging", total=left):
            done += step.failure is None
            spans += step.spans
            if step.failure:
                failed += 1
                say_error(str(step.failure))
    say(f"{done} articles tagged by {tagger}, {spans} spans" if left else "nothing left to tag")
    if failed:
        raise typer.Exit(1)


@app.command()
def show(
    article: Annotated[list[str] | None, typer.Argument(help="Article ids; all if none.")] = None,
    store: StoreUrl = DEFAULT_STORE,
    limit: Annotated[int, typer.Option(min=1, help="At most so many articles.")] = 20,
    failures: Annotated[
        bool, typer.Option("--failures", help="What could not be read or tagged, instead.")
    ] = False,
) -> None:
    """Print articles with their spans in colour, and what was found in each.

    Example: `ner show cqrb-2024-12-05-002-1 | less -R`
    """
    import itertools

    from ner.article import Rejected
    from ner.cli import render
    from ner.store import Store

    console = render.console()
    with Store(store) as opened:
        if failures:
            for failure in opened.failures():
                console.print(str(failure), markup=False)
            return
        for item in itertools.islice(opened.articles(ids=article or ()), limit):
            if isinstance(item, Rejected):
                say_error(str(item))
            else:
                console.print(render.article(item))
        more = (len(article) if article else opened.count()) - limit
    if more > 0:
        say(f"{more} more; --limit shows them")


@app.command()
def export(
    store: StoreUrl = DEFAULT_STORE,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="jsonl, doccano, doccano-relations, label-studio, brat, bio, bmes, docbin"
            " or web-annotation.",
        ),
    ] = "jsonl",
    output: Annotated[
        str, typer.Option("--output", "-o", help="A file, or -; for brat a new folder.")
    ] = "-",
) -> None:
    """Write the store's articles with their spans, by default one JSON object a line.

    Example: `ner export --store sqlite:///articles.db --output articles.jsonl`

    Example: `ner export --format label-studio --output tasks.json`
    """
    from ner.article import Rejected
    from ner.formats import WRITABLE
    from ner.store import Store

    if form not in WRITABLE:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(WRITABLE)}")
    failed: list[Rejected] = []
    with Store(store) as opened:
        items = progress(opened.articles(), "exporting", total=opened.count())
        save(form, readable(items, failed), output)
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
                f"--field {pair} means nothing",
                remedy=f"OURS=THEIRS, ours one of {', '.join(FIELDS)}",
            )
        fields[ours] = theirs
    return fields
