"""The application that commands register with, and the options they share."""

import os
import sys
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from ner.cli.terminal import say_error
from ner.errors import NerError


class Group(TyperGroup):
    """Turns our errors into one line and a status, in one place."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except NerError as error:
            say_error(str(error))
            raise typer.Exit(1) from None
        except BrokenPipeError:  # the reader went away, as head does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            say_error("interrupted; what is done is kept, the same command goes on")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    help="Tag people, places, organisations and programme brands in Chinese newspaper articles.",
)

StoreUrl = Annotated[
    str,
    typer.Option(
        "--store", envvar="NER_STORE", help="The article store: sqlite:///FILE or postgresql://…"
    ),
]
ModelName = Annotated[
    str, typer.Option("--model", envvar="NER_MODEL", help="A model's name, or its folder.")
]
DEFAULT_STORE = "sqlite:///articles.db"
DEFAULT_MODEL = "news"
