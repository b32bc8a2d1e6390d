"""Commands over annotated files: what they hold, whether they agree, and other forms of them."""

import typer

from ner.cli.app import Group, app

corpus = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="Look into annotated files, check, compare, split, merge and convert them.",
)
app.add_typer(corpus, name="corpus")
