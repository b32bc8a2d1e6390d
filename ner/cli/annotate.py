"""Commands of the loop: choose what to label, pre-label it, send it to doccano and fetch it back."""

import typer

from ner.cli.app import Group, app

annotate = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="The loop from articles to annotated articles: select, suggest, push, pull.",
)
app.add_typer(annotate, name="annotate")
