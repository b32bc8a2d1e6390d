"""`ner organisations`: the organisations of a store, short and full names of one body together."""

from typing import Annotated

import typer

from ner.cli.app import DEFAULT_STORE, StoreUrl
from ner.cli.register import Reviewer, editing, make_group
from ner.cli.terminal import say

organisations = make_group(
    "organisation",
    "List the store's organisations, each as one entity: forms, kind, first and last day, counts, place.\n\n"
    "Short and full names of one body are joined by place and head: 市委社会工作部 in a paper of Chongqing is"
    " 中共重庆市委社会工作部. A short name that neither its article nor its paper completes is left out.",
)


@organisations.command()
def split(
    key: Annotated[str, typer.Argument(help="A key among the forms of one.")],
    store: StoreUrl = DEFAULT_STORE,
    reviewer: Reviewer = "",
) -> None:
    """Say that a form, by its key, is one of its own; `ner organisations show` lists the keys.

    Example: `ner organisations split KEY`
    """
    with editing(store, reviewer) as (opened, _, said):
        number = opened.split("organisation", key, said)
    say(f"{key} is one of its own now (edit {number})")
