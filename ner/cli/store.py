"""Commands for the store itself: bring it up to date, look at it, check it, make it small."""

import typer

from ner.cli.app import DEFAULT_STORE, Group, StoreUrl, app
from ner.cli.terminal import say

stores = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The article store itself: bring it up to date, look at it, check it, make it small.",
)
app.add_typer(stores, name="store")


@stores.command()
def upgrade(store: StoreUrl = DEFAULT_STORE) -> None:
    """Bring a store made by an earlier version of ner to what this version reads; all or nothing.

    An SQLite file is copied first, beside it. Of a database on a server make a copy yourself
    (`pg_dump`). No other command ever changes the tables of a store.

    Example: `ner store upgrade --store sqlite:///articles.db`
    """
    from ner.store import upgrade

    done = upgrade(store)
    if done.before == done.after:
        say(f"nothing to do: the schema is {done.after}")
    else:
        say(f"upgraded from schema {done.before} to {done.after}")
    if done.backup:
        say(f"as it was before: {done.backup}; delete it when all is well")
