"""Commands for the store itself: search it, bring it up to date, look at it, check it, make it small."""

from pathlib import Path
from typing import Annotated

import typer

from ner.cli.app import DEFAULT_STORE, Date, Page, Paper, StoreUrl, group
from ner.cli.terminal import count, echo, progress, say, say_error
from ner.errors import NerError

stores = group(
    "store",
    no_args_is_help=True,
    help="The article store itself: search it, bring it up to date, look at it, check it, make it small.",
)


@stores.command()
def search(
    text: Annotated[str, typer.Argument(help="What the texts are to hold: 后堡社区.")],
    store: StoreUrl = DEFAULT_STORE,
    limit: Annotated[int, typer.Option(min=1, help="At most this many articles.")] = 50,
    paper: Paper = "",
    date: Date = "",
    page: Page = "",
) -> None:
    """Every place where the articles hold a string, upper or lower case, with what stands around it.

    Whether a model marks it there is no matter: `ner show --name` finds what is marked. `ner show --text`
    and `ner export --text` give the whole articles.

    Example: `ner store search 后堡社区 --date 2025`
    """
    from ner.article import Article
    from ner.cli.console import console
    from ner.cli.marked import concordance
    from ner.store import Filters
    from ner.store.foreign import open_store

    if not text.strip():
        raise NerError("nothing to search for", remedy="ner store search 后堡社区")
    screen, places = console(), 0
    filters: Filters = {"text": text, "paper": paper, "date": date, "page": page}
    with open_store(store) as opened:
        for item in opened.articles(limit=limit, **filters):
            if isinstance(item, Article):
                for line in concordance(item, text):
                    places += 1
                    screen.print(line, soft_wrap=True)
            else:
                say_error(str(item))
        found = opened.count(**filters)
    said = f"{count(places, 'place')} in {count(min(found, limit), 'article')}"
    more = f" of {found:,}: --limit {found} shows all" if found > limit else ""
    say(said + more if found else "no article holds it")


@stores.command()
def upgrade(store: StoreUrl = DEFAULT_STORE) -> None:
    """Bring a store made by an earlier version of ner to what this version reads; all or nothing.

    An SQLite file is copied first, beside it. Of a database on a server make a copy yourself
    (`pg_dump`). No other command ever changes the tables of a store. Beside an article table of yours
    (`--store store.toml`) columns and tables are only added to ours.

    Example: `ner store upgrade --store sqlite:///articles.db`
    """
    from ner.store import upgrade
    from ner.store.foreign import upgrade as upgrade_foreign

    if store.endswith(".toml"):
        added = upgrade_foreign(Path(store))
        say("the tables of ner were upgraded" if added else "nothing to do")
        return
    done = upgrade(store)
    if done.before == done.after:
        say(f"nothing to do: the schema is {done.after}")
    else:
        say(f"upgraded from schema {done.before} to {done.after}")
    if done.backup:
        say(f"as it was before: {done.backup}; delete it when all is well")


@stores.command()
def info(store: StoreUrl = DEFAULT_STORE) -> None:
    """What the store holds: articles, models and what they tagged, decisions, its size.

    Example: `ner store info`
    """
    from ner.store import Store

    with Store(store) as opened:
        found = opened.info()
    echo(f"schema {found.schema}, {found.size / 1e6:,.1f} MB")
    echo(count(found.articles, "article"))
    for use in found.models:
        echo(
            f"  {count(use.articles, 'article')} tagged by {use.key}, last {use.last_used:%Y-%m-%d %H:%M} UTC"
        )
    echo(f"{count(found.quarantined, 'article')} could not be tagged: ner show --failures")
    echo(
        f"{count(found.reviews, 'review')} of whole articles, {count(found.decisions, 'decision')} on spans"
    )


@stores.command()
def check(store: StoreUrl = DEFAULT_STORE) -> None:
    """Read the whole store and say what is damaged: tables, texts that no longer have their hash, spans.

    Exit status 1 where anything is.

    Example: `ner store check --store sqlite:///articles.db`
    """
    from ner.store import Store

    bad = 0
    with Store(store) as opened:
        for rejected in progress(opened.check(), "checking"):
            bad += 1
            say_error(str(rejected))
    if bad:
        raise typer.Exit(1)
    say("all is well")


@stores.command()
def vacuum(store: StoreUrl = DEFAULT_STORE) -> None:
    """Give the disk back what is no longer used, after deletions or an upgrade, and make queries quick again.

    No other program may use an SQLite file meanwhile; it needs as much free space as the file has.

    Example: `ner store vacuum`
    """
    from ner.store import Store

    with Store(store) as opened:
        before, after = opened.vacuum()
    say(f"{before / 1e6:,.1f} MB before, {after / 1e6:,.1f} MB now")
