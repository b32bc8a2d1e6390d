"""`ner brands`: the programme brands of a store, each as one entity."""

from typing import Annotated

import typer

from ner.cli.app import DEFAULT_STORE, StoreUrl
from ner.cli.register import make_group, up_to_date
from ner.cli.terminal import count, say, writing

brands = make_group(
    "brand",
    "List the store's brands, each as one entity: forms, kind, first and last day, counts, owner, place.\n\n"
    "Names with and without quotation marks, with and without the noun behind them, are one brand. Those in"
    " the most articles come first. What is counted is kept in the store; only changed articles are read.",
)


@brands.command()
def names(
    store: StoreUrl = DEFAULT_STORE,
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or -.")] = "-",
) -> None:
    """Write the brands that people confirmed as a word list for `ner tag --names`.

    Those of `ner brands confirm`, and those with a span that reviewers called right; none that were rejected.

    Example: `ner brands names --output brands.tsv`
    """
    from ner.brands.names import house_names, lines

    with up_to_date(store) as (opened, _):
        found = house_names(opened)
    with writing(output) as sink:
        for line in lines(found):
            sink.write(line)
    say(count(len(found), "brand"))
