"""Commands of the loop: choose what to label, pre-label it, send it to doccano and fetch it back."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from ner.cli.app import DEFAULT_MODEL, DEFAULT_STORE, Group, ModelName, StoreUrl, app
from ner.cli.terminal import progress, say, say_error, writing
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.annotation.select import Choice

annotate = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    rich_markup_mode="markdown",
    help="""The loop from articles to annotated articles, and on to a better model.

    1. `ner annotate select articles.jsonl --output chosen.jsonl` — what is worth labelling

    2. `ner annotate suggest chosen.jsonl --output suggested.jsonl` — pre-labels

    3. `ner annotate push suggested.jsonl --project july` — to doccano, where people label and tick

    4. `ner annotate pull --project july --output july.jsonl --store URL` — what they ticked

    5. `ner corpus check july.jsonl` — worth a second look

    6. `ner train configs/own.toml --from-store` — the model taught more, set beside the old one

    7. `ner models promote runs/own/model data/annotations/test.jsonl` — in use, if no worse

    Every step can be run again: it goes on where it stopped and changes nothing that is done.
    docs/annotate.md shows each with pictures.
    """,
)
app.add_typer(annotate, name="annotate")

Files = Annotated[
    list[str] | None,
    typer.Argument(help="Articles, in any form `ner ingest` reads; the store if none."),
]
Output = Annotated[str, typer.Option("--output", "-o", help="JSONL of articles, or -.")]
TEACHER = "model, lac, hanlp:NAME, spacy:NAME, dictionary:FILE or model:FOLDER"


@annotate.command()
def select(
    files: Files = None,
    store: StoreUrl = DEFAULT_STORE,
    output: Output = "-",
    budget: Annotated[
        int, typer.Option(min=1, help="Code points that people are to read, at most.")
    ] = 20_000,
    unit: Annotated[
        str, typer.Option(help="article, or sentence: each then an article of its own.")
    ] = "article",
    known: Annotated[
        list[str] | None, typer.Option(help="Articles labelled already; repeatable.")
    ] = None,
    against: Annotated[
        str, typer.Option(metavar="TEACHER", help=f"What the model disputes with: {TEACHER}.")
    ] = "",
    model: ModelName = DEFAULT_MODEL,
) -> None:
    """Choose what to label next: what teaches most for the characters it costs.

    That is where the model doubts or another teacher disagrees, names and quoted strings that
    nobody has labelled, and other topics, papers and months than those chosen already. What is
    written carries the model's spans as pre-labels; a sentence's id says where it stands.

    Example: `ner annotate select --unit sentence --budget 20000 --output chosen.jsonl`
    """
    from ner import corpus
    from ner.annotation import teachers
    from ner.annotation.select import Unit, disputed, in_sentences
    from ner.annotation.select import select as choose
    from ner.formats import article_row, dump

    if unit not in ("article", "sentence"):
        raise NerError(f"unknown unit {unit!r}", remedy="article or sentence")
    labelled = list(corpus.read(known or ()))
    ours = teachers.load(f"model:{model}")
    theirs = teachers.load(against) if against else None
    articles, bad = _readable(files, store)
    tagged = list(progress(ours.pipe(articles), "tagging", total=len(articles)))
    if theirs:
        others = progress(theirs.pipe(articles), "asking", total=len(articles))
        units = [
            Unit(one, disputed(one, other, ours.labels, theirs.labels))
            for one, other in zip(tagged, others, strict=True)
        ]
    else:
        units = list(map(Unit, tagged))
    if unit == "sentence":
        units = [sentence for whole in units for sentence in in_sentences(whole)]
    choices = list(progress(choose(units, budget, known=labelled), "choosing"))
    with writing(output) as sink:
        sink.writelines(dump(article_row(choice.article)) for choice in choices)
    _say_choices(choices, len(units))
    if bad:
        raise typer.Exit(1)


@annotate.command()
def suggest(
    files: Files = None,
    store: StoreUrl = DEFAULT_STORE,
    output: Output = "-",
    teacher: Annotated[list[str] | None, typer.Option(help=f"{TEACHER}; repeatable.")] = None,
    least: Annotated[
        float, typer.Option(min=0, max=1, help="Leave out spans with a lower score.")
    ] = 0.0,
) -> None:
    """Pre-label articles with what teachers say, in place of the spans they had.

    With several teachers a span's score is the mean, over those that can give its label, of the
    score each gives exactly this span: 1 from LAC, HanLP and a dictionary, a probability from our
    model, 0 where it is not found. Of spans that cross, the higher score stays. Several models and
    `--least 0.4` over raw text make the silver articles of a self-training.

    Example: `ner annotate suggest chosen.jsonl --teacher model --teacher lac -o suggested.jsonl`
    """
    from ner.annotation import teachers
    from ner.formats import article_row, dump

    asked = [teachers.load(name) for name in dict.fromkeys(teacher or ["model"])]
    articles, bad = _readable(files, store)
    spans = 0
    with writing(output) as sink:
        told = teachers.suggest(articles, asked, least=least)
        for article in progress(told, "suggesting", total=len(articles)):
            spans += len(article.spans)
            sink.write(dump(article_row(article)))
    say(f"{len(articles)} articles, {spans} spans from {', '.join(t.name for t in asked)}")
    if bad:
        raise typer.Exit(1)


def _say_choices(choices: list["Choice"], pool: int) -> None:
    from rich.table import Table

    from ner.annotation.select import summary
    from ner.cli.console import console

    shown = 12
    table = Table("id", "characters", "why", "text", box=None, pad_edge=False)
    for choice in choices[:shown]:
        text = choice.article.text.replace("\n", " ")
        short = text if len(text) <= 16 else f"{text[:15]}…"
        table.add_row(choice.article.id, str(len(text)), choice.why, short)
    console(stderr=True).print(table)
    if len(choices) > shown:
        say(f"{len(choices) - shown} more")
    characters = sum(len(choice.article.text) for choice in choices)
    took = ", ".join(f"{name} {share:.0%}" for name, share in summary(choices).items() if share)
    say(f"{len(choices)} of {pool} chosen, {characters:,} characters")
    if took:
        say(f"of what the pool holds they take: {took}")


def _readable(files: list[str] | None, store: str) -> tuple[list[Any], int]:
    """Articles, and how many could not be read; these are named."""
    from ner.article import Article

    articles, bad = [], 0
    for item in items(files, store):
        if isinstance(item, Article):
            articles.append(item)
        else:
            bad += 1
            say_error(str(item))
    return articles, bad


def items(files: list[str] | None, store: str) -> Any:
    """Articles of files, or of the store where none are named."""
    if files:
        from ner.formats import find
        from ner.formats.reader import read

        yield from read(find(files))
    else:
        from ner.store import Store

        with Store(store) as opened:
            yield from opened.articles()
