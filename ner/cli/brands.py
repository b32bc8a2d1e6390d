"""`ner brands`: the programme brands of a store, each as one entity."""

from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import DEFAULT_STORE, StoreUrl
from ner.cli.register import Reviewer, editing, find, make_group, up_to_date
from ner.cli.terminal import count, say, writing
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.places import Linker

brands = make_group(
    "brand",
    "List the store's brands, each as one entity: forms, kind, first and last day, counts, owner, place.\n\n"
    "Names with and without quotation marks, with and without the noun behind them, are one brand. Those in"
    " the most articles come first. What is counted is kept in the store; only changed articles are read.",
)


@brands.command()
def split(
    key: Annotated[str, typer.Argument(help="A key among the forms of one.")],
    place: Annotated[
        str,
        typer.Option(help="Split off another brand of the same name, of this place (浙江, 33)."),
    ] = "",
    owner: Annotated[str, typer.Option(help="The same, of this organisation.")] = "",
    store: StoreUrl = DEFAULT_STORE,
    reviewer: Reviewer = "",
) -> None:
    """Say that a form, by its key, is one of its own; `ner brands show` lists the keys.

    Two brands may have the same letters. With `--place` or `--owner` the one of that place or organisation is
    split off: articles about it are counted as its own, old ones and new ones.

    Example: `ner brands split KEY`

    Example: `ner brands split 一表通 --place 浙江`
    """
    from ner.brands import divide

    if place and owner:
        raise NerError("--place and --owner exclude each other", remedy="name one")
    with editing(store, reviewer) as (opened, reader, said):
        if place:
            by = _code(reader.linker, place)
        else:
            by = find(opened, "organisation", owner).key if owner else ""
        if not by:
            number = opened.split("brand", key, said)
        else:
            number = divide(opened, reader, key, by, said)
            key = f"{key}|{by}"
        entry = opened.entry("brand", key)
    say(
        f"{key} is one of its own now, in {count(entry.articles if entry else 0, 'article')} (edit {number})"
    )


def _code(linker: "Linker", place: str) -> str:
    """The code of a place by its name, with those that hold it before it where it needs them."""
    if place.isdecimal():
        return place
    codes, rest = linker.split_leading(place)
    if not codes or rest:
        raise NerError(
            f"{place} is no division, or one of several", remedy="name its code: ner places list"
        )
    return codes[-1]


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
