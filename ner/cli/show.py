"""`ner show`: the store's articles with their spans, as text or as a list."""

import itertools
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import DEFAULT_STORE, Least, StoreUrl, app, thresholds
from ner.cli.terminal import count, echo, say, say_error
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.store import Store


@app.command()
def show(
    article: Annotated[list[str] | None, typer.Argument(help="Article ids; all if none.")] = None,
    store: StoreUrl = DEFAULT_STORE,
    failures: Annotated[
        bool, typer.Option("--failures", help="What could not be read or tagged, instead.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="At most this many articles.")] = 20,
    least: Least = None,
    scores: Annotated[bool, typer.Option("--scores", help="Print each span's score.")] = False,
    color: Annotated[
        str, typer.Option(help="always, never (spans in brackets), or auto: on a terminal only.")
    ] = "auto",
) -> None:
    """Print articles with their spans in colour, and what was found in each.

    Example: `ner show cqrb-2024-12-05-002-1`

    Example: `ner show --color always | less -R`
    """
    from ner.article import Rejected, at_least
    from ner.cli.console import COLORS, console
    from ner.cli.marked import show_article
    from ner.store import Store

    if color not in COLORS:
        raise NerError(f"unknown colour mode {color!r}", remedy=f"one of {', '.join(COLORS)}")
    screen = console(color=color)
    with Store(store) as opened:
        if failures:
            _show_failures(opened)
            return
        threshold = thresholds(least) or 0.0
        for item in itertools.islice(opened.articles(ids=article or ()), limit):
            if isinstance(item, Rejected):
                say_error(str(item))
            else:
                spans = at_least(item.spans, threshold)
                show_article(screen, replace(item, spans=spans), scores=scores)
        found = len(article) if article else opened.count()
    if not found:
        say("the store holds no articles")
    elif found > limit:
        say(f"{count(found - limit, 'more article')}: --limit {found} shows all")


def _show_failures(store: "Store") -> None:
    failures = store.failures()
    for failure in failures:
        echo(str(failure))
    if not failures:
        say("no failures: everything was read and tagged")
