"""`ner show`: the store's articles with their spans, as text or as a list."""

from dataclasses import replace
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
from ner.cli.terminal import count, echo, say, say_error
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.cli.console import SafeConsole
    from ner.store import Filters, ModelKey
    from ner.store.foreign import AnyStore


@app.command()
def show(
    article: Annotated[list[str] | None, typer.Argument(help="Article ids; all if none.")] = None,
    store: StoreUrl = DEFAULT_STORE,
    as_list: Annotated[
        bool, typer.Option("--list", help="A line per article: id, title, spans by label.")
    ] = False,
    failures: Annotated[
        bool, typer.Option("--failures", help="What could not be read or tagged, instead.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most this many articles; 20, all with --list.")
    ] = None,
    paper: Paper = "",
    date: Date = "",
    page: Page = "",
    label: Label = "",
    name: Annotated[str, typer.Option(help="Only where this string is a span: 一表通.")] = "",
    text: Holds = "",
    model: UsedModel = "",
    as_tagged: AsTagged = False,
    least: Least = None,
    scores: Annotated[bool, typer.Option("--scores", help="Print each span's score.")] = False,
    color: Annotated[
        str, typer.Option(help="always, never (spans in brackets), or auto: on a terminal only.")
    ] = "auto",
) -> None:
    """Print articles with their spans in colour, and what was found in each.

    Example: `ner show cqrb-2024-12-05-002-1`

    Example: `ner show --list --date 2025-03 --label BRAND`

    Example: `ner show --color always | less -R`
    """
    from ner.cli.console import COLORS, console
    from ner.store.foreign import open_store

    if color not in COLORS:
        raise NerError(f"unknown colour mode {color!r}", remedy=f"one of {', '.join(COLORS)}")
    screen = console(color=color)
    with open_store(store) as opened:
        if failures:
            _show_failures(opened)
            return
        filters: Filters = {
            **{"ids": article or (), "paper": paper, "date": date, "page": page},
            **{"label": label, "name": name, "text": text, "model": find_model(opened, model)},
            **{"as_tagged": as_tagged},
        }
        if as_list:
            _show_list(opened, screen, filters, limit)
        else:
            _show_articles(opened, screen, filters, limit or 20, thresholds(least), scores)


def find_model(store: "AnyStore", model: str) -> "ModelKey":
    """The model whose spans a command takes from a store; says where the one in use tagged nothing there.

    Args:
        model: a name; or none, for the model in use and, where that has tagged nothing, the last that has.
    """
    from ner.batch.models import find_key
    from ner.tagger.registry import DEFAULT_MODEL

    key = find_key(store, model or DEFAULT_MODEL)
    if key.hash:
        return key
    if not model and (last := store.find_model()):
        say(f"{key} has not tagged this store: the spans are those of {last}")
        return last
    if others := store.models():
        used = ", ".join(str(use.key) for use in others)
        say(f"{key} has not tagged this store: `ner tag`, or --model for the spans of {used}")
    return key


def _show_list(
    store: "AnyStore", screen: "SafeConsole", filters: "Filters", limit: int | None
) -> None:
    from ner.cli.marked import list_lines

    found = store.count(**filters)
    if found:
        width = screen.width if screen.is_terminal else None
        for line in list_lines(store.summaries(limit=limit, **filters), width):
            echo(line)
    say(
        count(found, "article") + (f", {limit:,} of them listed" if limit and limit < found else "")
    )


def _show_articles(
    store: "AnyStore",
    screen: "SafeConsole",
    filters: "Filters",
    limit: int,
    threshold: "dict[str, float] | float | None",
    scores: bool,
) -> None:
    from ner.article import Rejected, at_least
    from ner.cli.marked import show_article

    for item in store.articles(limit=limit, **filters):
        if isinstance(item, Rejected):
            say_error(str(item))
            continue
        if threshold is not None:
            item = replace(item, spans=at_least(item.spans, threshold))
        show_article(screen, item, scores=scores)
    found = store.count(**filters)
    if not found:
        say("no article matches" if any(filters.values()) else "the store holds no articles")
    elif found > limit:
        say(f"{count(found - limit, 'more article')}: --limit {found} shows all, --list lists them")


def _show_failures(store: "AnyStore") -> None:
    failures = store.failures()
    for failure in failures:
        echo(str(failure))
    if not failures:
        say("no failures: everything was read and tagged")
