"""`ner export`: the store's articles with their spans, in any form that is written."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import (
    DEFAULT_STORE,
    AsTagged,
    Date,
    Holds,
    Label,
    Least,
    Page,
    Paper,
    StoreUrl,
    UsedModel,
    app,
    thresholds,
)
from ner.cli.terminal import progress, readable, save, say
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.article import Article, Rejected
    from ner.store import Filters


@app.command()
def export(
    store: StoreUrl = DEFAULT_STORE,
    form: Annotated[
        str,
        typer.Option(
            "--format",
            help="jsonl, parquet, csv or xlsx (a row a span), html (spans marked in the text), bio, bmes,"
            " docbin, web-annotation, doccano, doccano-relations, label-studio or brat; by the"
            " output's name if omitted.",
        ),
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", help="A file, or -; for many files a new folder.")
    ] = "-",
    by_date: Annotated[
        bool, typer.Option("--by-date", help="jsonl, parquet: a folder a day, date=2025-03-18.")
    ] = False,
    paper: Paper = "",
    date: Date = "",
    page: Page = "",
    label: Label = "",
    text: Holds = "",
    reviewed: Annotated[
        bool | None,
        typer.Option(
            "--reviewed/--unreviewed",
            help="Only what a person read as a whole, with the spans called right; or only the rest.",
        ),
    ] = None,
    model: UsedModel = "",
    as_tagged: AsTagged = False,
    least: Least = None,
) -> None:
    """Write the store's articles with their spans, by default one JSON object per line.

    csv and xlsx have a row for every span and open in Excel; no value there is calculated as a formula.
    With --label they hold spans of that label only; other formats hold all spans of the articles
    that have one.

    Example: `ner export --store sqlite:///articles.db --output articles.jsonl`

    Example: `ner export --date 2025-03 --label BRAND --output brands.xlsx`

    Example: `ner export --format parquet --by-date --output lake`

    Example: `ner export --reviewed --output gold.jsonl`
    """
    from ner.article import at_least
    from ner.cli.show import find_model
    from ner.formats import FORMATS
    from ner.store.foreign import open_store

    form = _form(form, output, by_date=by_date)
    threshold = thresholds(least) or 0.0
    failed: list[Rejected] = []
    with open_store(store) as opened:
        filters: Filters = {"paper": paper, "date": date, "page": page, "text": text}
        filters |= {"reviewed": reviewed, "as_tagged": as_tagged}
        if reviewed and not as_tagged:
            items, total = opened.reviewed(**filters), opened.count(**filters)
            items = (item for item in items if not label or _has_label(item, label))
        else:
            filters |= {"label": label, "model": find_model(opened, model)}
            items, total = opened.articles(**filters), opened.count(**filters)
        found = progress(items, "exporting", total=total)
        wanted = label if FORMATS[form].for_people else ""
        articles = (
            replace(
                item,
                spans=tuple(
                    span for span in at_least(item.spans, threshold) if wanted in ("", span.label)
                ),
            )
            for item in readable(found, failed)
        )
        save(form, articles, output, by_date=by_date)
    if not total:
        say("no article matches")
    if failed:
        raise typer.Exit(1)


def _has_label(item: "Article | Rejected", label: str) -> bool:
    from ner.article import Rejected

    return isinstance(item, Rejected) or any(span.label == label for span in item.spans)


def _form(form: str, output: str, *, by_date: bool) -> str:
    """The form to write: the one that is named, or the one of the output's name; else JSONL.

    Raises:
        NerError: it cannot be written, or the name asks for none.
    """
    from ner.formats import WRITABLE, WRITTEN_SUFFIXES

    suffix = Path(output).suffix.lower()
    if not form and suffix and not by_date and output != "-":
        form = WRITTEN_SUFFIXES.get(suffix, "")
        if not form:
            raise NerError(
                f"no format for {output}",
                remedy=f"--format {', '.join(WRITABLE)}, or a name that ends in"
                f" {', '.join(WRITTEN_SUFFIXES)}",
            )
    form = form or "jsonl"
    if form not in WRITABLE:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(WRITABLE)}")
    return form
