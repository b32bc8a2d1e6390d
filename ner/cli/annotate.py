"""Commands of the loop: choose what to label, pre-label it, send it to doccano and fetch it back."""

from collections import Counter
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from ner.cli.app import DEFAULT_STORE, ModelName, StoreUrl, group
from ner.cli.terminal import count, progress, readable, safe, say, writing
from ner.errors import NerError
from ner.tagger.registry import DEFAULT_MODEL

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from ner.annotation.pool import Unit
    from ner.annotation.select import Choice
    from ner.article import Rejected

annotate = group(
    "annotate",
    no_args_is_help=True,
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

Files = Annotated[
    list[str] | None,
    typer.Argument(help="Articles, in any form `ner ingest` reads; the store if none."),
]
Output = Annotated[str, typer.Option("--output", "-o", help="JSONL of articles, or -.")]
_SHOWN = 12  # choices listed
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
        list[str] | None,
        typer.Option(help="Articles labelled already, which are not chosen again; repeatable."),
    ] = None,
    against: Annotated[
        str,
        typer.Option(
            metavar="TEACHER",
            help=f"A teacher whose disagreement with the model counts: {TEACHER}.",
        ),
    ] = "",
    model: ModelName = DEFAULT_MODEL,
) -> None:
    """Choose what to label next: what teaches most for the characters it costs.

    Worth most are spans whose score is uncertain or on which another teacher disagrees, names and
    quoted strings that nobody has labelled, and other topics, papers and months than those chosen
    already. The output has the model's spans as pre-labels; a sentence's id ends with its offsets.

    Tables on standard error show which features counted most for each choice, and how much of each
    the choices cover. Memory grows by some kilobytes per article; texts wait in a temporary file.

    Example: `ner annotate select --unit sentence --budget 20000 --output chosen.jsonl`
    """
    from ner import corpus
    from ner.annotation import teachers
    from ner.annotation.select import select as choose
    from ner.annotation.select import units
    from ner.formats import article_row, dump

    if unit not in ("article", "sentence"):
        raise NerError(f"unknown unit {unit!r}", remedy="article or sentence")
    teacher = teachers.load(f"model:{model}")
    other = teachers.load(against) if against else None
    failed: list[Rejected] = []
    articles = readable(items(files, store), failed)
    labelled = corpus.read(known or ())
    pool = units(
        progress(articles, "tagging", total=_count(files, store)),
        teacher,
        other,
        in_sentences=unit == "sentence",
    )
    chosen = _Selected()
    with writing(output) as sink:
        choices = choose(chosen.count(pool), budget, known=labelled, dropped=chosen.dropped)
        for choice in progress(choices, "choosing"):
            chosen.add(choice)
            sink.write(dump(article_row(choice.article)))
    _print_selected(chosen)
    if failed:
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
    """Pre-label articles with the spans that teachers give, in place of those they had.

    With several teachers a span's score is the mean, over those that can give its label, of the
    score each gives exactly this span: 1 from LAC, HanLP and a dictionary, a probability from our
    model, 0 where it is not found. Of spans that cross, the one with the higher score is kept. Several
    models over raw text make the silver articles of a training, which learns their scores.

    A dictionary is a text file with a line `NAME<TAB>LABEL` for each name.

    Example: `ner annotate suggest chosen.jsonl --teacher model --teacher lac -o suggested.jsonl`
    """
    from ner.annotation import teachers
    from ner.formats import article_row, dump

    loaded = [teachers.load(name) for name in dict.fromkeys(teacher or ["model"])]
    failed: list[Rejected] = []
    articles = readable(items(files, store), failed)
    done = spans = 0
    with writing(output) as sink:
        suggested = teachers.suggest(articles, loaded, least=least)
        for article in progress(suggested, "suggesting", total=_count(files, store)):
            done += 1
            spans += len(article.spans)
            sink.write(dump(article_row(article)))
    names = ", ".join(each.name for each in loaded)
    say(f"{count(done, 'article')}, {count(spans, 'span')} from {names}")
    if failed:
        raise typer.Exit(1)


class _Selected:
    """What `select` chose, added up: the first choices, and the sums."""

    def __init__(self) -> None:
        self.first: list[Choice] = []
        self.number = self.characters = self.pool = 0
        self.coverage: Counter[str] = Counter()
        self.dropped: Counter[str] = Counter()

    def count(self, units: "Iterable[Unit]") -> "Iterator[Unit]":
        """The units, counted as they pass."""
        for unit in units:
            self.pool += 1
            yield unit

    def add(self, choice: "Choice") -> None:
        if self.number < _SHOWN:
            self.first.append(choice)
        self.number += 1
        self.characters += len(choice.article.text)
        self.coverage.update(choice.shares)


def _print_selected(chosen: _Selected) -> None:
    """The first choices, and what all of them cover, with what each figure means."""
    from rich.table import Table

    from ner.annotation.pool import FEATURES
    from ner.cli.console import console

    screen = console(stderr=True)
    if chosen.first:
        table = Table("id", "characters", "chosen for", "text", box=None, pad_edge=False)
        for choice in chosen.first:
            text = safe(choice.article.text.replace("\n", " "))
            short = text if len(text) <= 16 else f"{text[:15]}…"
            characters = str(len(choice.article.text))
            table.add_row(escape(safe(choice.article.id)), characters, choice.reason, escape(short))
        screen.print(table)
        if chosen.number > _SHOWN:
            say(f"and {chosen.number - _SHOWN} more")
    say(f"{chosen.number} of {chosen.pool} chosen, {chosen.characters:,} characters")
    for why, number in chosen.dropped.items():
        say(f"left out: {number:,} {why}")
    if not chosen.first:
        if chosen.pool > chosen.dropped.total():
            say("all are longer than the budget: raise --budget, or choose --unit sentence")
        return
    say("")
    table = Table("feature", "weight", "covered", "what it counts", box=None, pad_edge=False)
    for name, feature in FEATURES.items():
        covered = f"{chosen.coverage[name]:.0%}"
        table.add_row(name, f"{feature.weight:g}", covered, feature.explanation)
    screen.print(table)
    say("")
    say("characters: what people are to read, and the cost of a choice")
    say("chosen for: the two features that counted most, with their part in the decision")
    say("weight: how much all of a feature is worth beside the others")
    say("covered: the share of a feature in the whole pool that the choices have")


def _count(files: list[str] | None, store: str) -> int | None:
    """How many articles the store has, for a progress bar; not known of files before they are read."""
    if files:
        return None
    from ner.store.foreign import open_store

    with open_store(store) as opened:
        return opened.count()


def items(files: list[str] | None, store: str) -> Any:
    """Articles of files, or of the store where none are named."""
    if files:
        from ner.formats import find
        from ner.formats.reader import read

        yield from read(find(files, recursive=True))
    else:
        from ner.store.foreign import open_store

        with open_store(store) as opened:
            yield from opened.articles()
