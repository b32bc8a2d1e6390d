"""`ner brands`: the programme brands of a store, each as one entity."""

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ner.cli.app import (
    DEFAULT_MODEL,
    DEFAULT_STORE,
    Date,
    Least,
    Paper,
    StoreUrl,
    UsedModel,
    app,
    thresholds,
)
from ner.cli.terminal import count, progress, readable, say, writing
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.article import Rejected
    from ner.store import Filters

FORMATS = ("text", "jsonl")


@app.command()
def brands(
    store: StoreUrl = DEFAULT_STORE,
    form: Annotated[
        str, typer.Option("--format", help="jsonl: an object a brand; text: a line for people.")
    ] = "text",
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or -.")] = "-",
    paper: Paper = "",
    date: Date = "",
    model: UsedModel = DEFAULT_MODEL,
    least: Least = None,
) -> None:
    """List the store's brands, each as one entity: forms, kind, first and last day, counts, owner, place.

    Names with and without quotation marks, with and without the noun behind them, are one brand. Those in
    the most articles come first.

    Example: `ner brands --store sqlite:///articles.db --format jsonl --output brands.jsonl`
    """
    from ner.article import at_least
    from ner.brands import Register
    from ner.cli.show import find_model
    from ner.formats import dump
    from ner.places import Linker, shipped
    from ner.store import Store

    if form not in FORMATS:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(FORMATS)}")
    threshold = thresholds(least) or 0.0
    register, total = Register(), 0
    failed: list[Rejected] = []
    with Store(store) as opened:
        filters: Filters = {
            **{"paper": paper, "date": date, "label": "BRAND"},
            **{"model": find_model(opened, model)},
        }
        found = progress(opened.articles(**filters), "reading", total=opened.count(**filters))
        for article in readable(found, failed):
            register.add(replace(article, spans=at_least(article.spans, threshold)))
    with writing(output) as sink:
        for row in register.rows(Linker(shipped())):
            total += 1
            sink.write(dump(row) if form == "jsonl" else _line(row))
    say(count(total, "brand"))
    if failed:
        raise typer.Exit(1)


def _line(row: dict[str, Any]) -> str:
    when = "–".join(dict.fromkeys((row["first"] or "?", row["last"] or "?")))
    place = " ".join(row["place"]["path"]) if row["place"] else ""
    parts = [row["name"], row["kind"], when, str(row["articles"]), row["owner"] or "", place]
    return "  ".join(part for part in parts if part) + "\n"
