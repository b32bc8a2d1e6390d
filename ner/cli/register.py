"""What `ner brands` and `ner organisations` share: bringing the register up to date, listing, editing."""

import getpass
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ner.cli.app import DEFAULT_STORE, Date, Paper, StoreUrl, group
from ner.cli.terminal import count, echo, interruption, say, track, writing_bytes
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.brands import Reader
    from ner.store import Entry, Said, Store, Trend

SOURCE = "command line"
PLURALS = {"brand": "brands", "organisation": "organisations", "place": "places"}

Name = Annotated[str, typer.Argument(help="A name, one of its forms, or its key.")]
Reviewer = Annotated[str, typer.Option(help="Who says so; your user name if omitted.")]
Form = Annotated[
    str,
    typer.Option(
        "--format",
        help="text (for people), jsonl, csv, xlsx, parquet, jsonld (schema.org); by the output's name.",
    ),
]
Output = Annotated[str, typer.Option("--output", "-o", help="A file, or -.")]


@contextmanager
def up_to_date(url: str, part: str = "names") -> "Iterator[tuple[Store, Reader]]":
    """An open store whose register knows all articles, and what read them."""
    from ner.brands import Reader, update
    from ner.places import Linker, shipped
    from ner.store import Store

    reader = Reader(Linker(shipped()))
    with Store(url) as store:
        with interruption("what was counted is kept, and the same command goes on"):
            track(update(store, reader, part), "counting")
        yield store, reader


@contextmanager
def editing(url: str, reviewer: str) -> "Iterator[tuple[Store, Reader, Said]]":
    """An open store whose register is up to date, for something to be said, and afterwards."""
    from ner.brands import update
    from ner.store import Said

    with up_to_date(url) as (store, reader):
        yield store, reader, Said(reviewer or getpass.getuser(), SOURCE)
        track(update(store, reader), "counting")


def find(store: "Store", kind: str, name: str) -> "Entry":
    """The entry of a name, a form or a key; the most frequent where several have it.

    Raises:
        NerError: there is none.
    """
    found = store.entry(kind, name)
    keys = store.keys_of_name(kind, name)
    key = keys[0] if keys else ""
    entry = (store.entry(kind, key) if key else None) or found
    if entry is None:
        raise NerError(
            f"no {kind} {name} in the register", remedy=f"ner {PLURALS[kind]} lists them"
        )
    if others := [each for each in keys[1:] if each != entry.key]:
        say(f"{name} is also the name of: {', '.join(others[:5])} (name one by this key)")
    return entry


def write_entries(
    store: "Store", reader: "Reader", kind: str, entries: "list[Entry]", form: str, output: str
) -> None:
    """Write entries in a form."""
    from ner.brands import rows
    from ner.formats.entries import write_entries as parts_of

    found = rows(store, reader.linker, entries)
    with writing_bytes(output) as sink:
        if form == "text":
            sink.writelines(_line(row).encode() for row in found)
        else:
            sink.writelines(part.data for part in parts_of(form, kind, found))


def form_of(form: str, output: str) -> str:
    """The form that is asked for, or that of the output's name; text on the terminal."""
    from ner.formats.entries import FORMS

    suffix = output.rpartition(".")[2].lower() if "." in output else ""
    form = form or (suffix if suffix in FORMS else "text")
    if form not in ("text", *FORMS):
        raise NerError(f"unknown format {form!r}", remedy=f"one of text, {', '.join(FORMS)}")
    return form


def _line(row: dict[str, Any]) -> str:
    when = "–".join(dict.fromkeys((row["first"] or "?", row["last"] or "?")))
    place = " ".join(row["place"]["path"]) if row.get("place") else ""
    parts = [row["name"], row.get("kind", ""), when, str(row["articles"]), row.get("owner"), place]
    return "  ".join(part for part in parts if part) + "\n"


def show_entry(row: dict[str, Any]) -> None:
    """Print all that is known of an entry, for people."""
    echo(_line(row).rstrip())
    forms = (f"{form} ×{times}" for form, times in list(row["variants"].items())[:12])
    echo(f"forms: {', '.join(forms)}")
    if row["forms"] not in ([], [row["name"]]):
        echo(f"keys: {', '.join(row['forms'])}")
    if row["months"]:
        months = (f"{month or '?'} {times}" for month, times in list(row["months"].items())[-12:])
        echo(f"articles by month: {', '.join(months)}")
    if list(row["papers"]) not in ([], [""]):
        papers = (f"{paper or '?'} {times}" for paper, times in list(row["papers"].items())[:8])
        echo(f"articles by paper: {', '.join(papers)}")
    for other, near in row["related"].items():
        if near:
            names = ", ".join(f"{each['name']} ×{each['articles']}" for each in near[:8])
            echo(f"{PLURALS[other]} in the same articles: {names}")
    for what, found in row["evidence"].items():
        for each in found:
            place = f"{each['article']} {each['start']}:{each['end']}"
            echo(f"{what}: {each['text']}  ({place})")
    for each in row["edits"]:
        other = f" {each['other']}" if each["other"] else ""
        undone = "" if each["stands"] else " (taken back)"
        by = f"{each['reviewer']}, {each['at'][:10]}"
        echo(f"edit {each['number']}: {each['verdict']} {each['key']}{other}, {by}{undone}")


def list_help(kind: str, about: str, command: str = "") -> str:
    """The help of a list, with examples."""
    plural = PLURALS[kind]
    command = f"ner {plural}{command}"
    return (
        f"{about}\n\nExample: `{command} --store sqlite:///articles.db --output {plural}.xlsx`\n\n"
        f"Example: `{command} --rising --format jsonl`"
    )


def add_list(decorate: Callable[..., Any], kind: str) -> None:
    """Make the list of a kind a command."""
    part = "places" if kind == "place" else "names"

    @decorate
    def list_(
        context: typer.Context,
        store: StoreUrl = DEFAULT_STORE,
        form: Form = "",
        output: Output = "-",
        paper: Paper = "",
        date: Date = "",
        new: Annotated[
            bool, typer.Option("--new", help="Only those first seen in the last 7 days.")
        ] = False,
        rising: Annotated[
            bool,
            typer.Option(
                "--rising", help="Only those in twice as many articles as before, in 28 days."
            ),
        ] = False,
        dormant: Annotated[
            bool, typer.Option("--dormant", help="Only those not seen for 180 days.")
        ] = False,
        prefix: Annotated[str, typer.Option(help="Only those that begin so.")] = "",
        limit: Annotated[int | None, typer.Option(min=1, help="At most so many.")] = None,
        again: Annotated[
            bool,
            typer.Option("--again", help="Count all articles anew, as after an upgrade of ner."),
        ] = False,
    ) -> None:
        if context.invoked_subcommand:
            return
        from ner.store import Store

        wanted = form_of(form, output)
        trends: dict[Trend, bool] = {"new": new, "rising": rising, "dormant": dormant}
        chosen = [trend for trend, is_wanted in trends.items() if is_wanted]
        if len(chosen) > 1:
            raise NerError("--new, --rising and --dormant exclude each other", remedy="name one")
        if again:
            with Store(store) as opened:
                opened.count_again(part)
        with up_to_date(store, part) as (opened, reader):
            found = opened.entries(
                kind,
                prefix=prefix,
                trend=chosen[0] if chosen else "",
                limit=limit,
                paper=paper,
                date=date,
            )
            write_entries(opened, reader, kind, found, wanted, output)
        say(count(len(found), kind))


def make_group(kind: str, about: str) -> typer.Typer:
    """The commands of a kind of entries: the list, ``show``, ``merge``, ``undo``, ``confirm``, ``reject``."""
    plural = PLURALS[kind]
    commands = group(plural)

    def as_edit(store: str, reviewer: str, work: "Callable[[Store, Any], str]") -> None:
        with editing(store, reviewer) as (opened, _, said):
            say(work(opened, said))

    add_list(commands.callback(invoke_without_command=True, help=list_help(kind, about)), kind)

    @commands.command(
        help="Print all that is known of one: forms, counts by month and paper, evidence, neighbours.\n\n"
        f"Example: `ner {plural} show NAME`"
    )
    def show(
        name: Name,
        store: StoreUrl = DEFAULT_STORE,
        form: Annotated[str, typer.Option("--format", help="text, or json.")] = "text",
    ) -> None:
        from ner.brands import describe
        from ner.formats import dump

        if form not in ("text", "json"):
            raise NerError(f"unknown format {form!r}", remedy="text or json")
        with up_to_date(store) as (opened, reader):
            row = describe(opened, reader, find(opened, kind, name))
        if form == "json":
            echo(dump(row).rstrip())
        else:
            show_entry(row)

    @commands.command(
        help=f"Say that one is the same as another, whose name it gets; `ner {plural} undo` undoes it.\n\n"
        f"Example: `ner {plural} merge NAME INTO`"
    )
    def merge(
        name: Name,
        into: Annotated[str, typer.Argument(help="The one that it is a form of.")],
        store: StoreUrl = DEFAULT_STORE,
        reviewer: Reviewer = "",
    ) -> None:
        def work(opened: "Store", said: Any) -> str:
            one, other = find(opened, kind, name), find(opened, kind, into)
            number = opened.merge(kind, one.key, other.key, said)
            return f"{one.name} is {other.name} now (edit {number})"

        as_edit(store, reviewer, work)

    @commands.command(
        help="Take a merge, split, confirmation or rejection back, by its number.\n\n"
        f"Example: `ner {plural} undo 3`"
    )
    def undo(
        edit: Annotated[
            int, typer.Argument(help="Its number, as `show` and the edit itself print it.")
        ],
        store: StoreUrl = DEFAULT_STORE,
        reviewer: Reviewer = "",
    ) -> None:
        def work(opened: "Store", said: Any) -> str:
            if not opened.undo_edit(edit, said):
                raise NerError(
                    f"there is no edit {edit} to take back",
                    remedy=f"ner {plural} show NAME lists them",
                )
            return f"edit {edit} is taken back"

        as_edit(store, reviewer, work)

    def judge(verdict: str, told: str) -> Callable[..., None]:
        def command(
            names: Annotated[list[str], typer.Argument(help="Names, forms or keys.")],
            store: StoreUrl = DEFAULT_STORE,
            reviewer: Reviewer = "",
        ) -> None:
            def work(opened: "Store", said: Any) -> str:
                found = [find(opened, kind, name) for name in names]
                made = [opened.judge(kind, each.key, verdict, said) for each in found]
                return f"{told}: {', '.join(each.name for each in found)} (edit {made[-1]})"

            as_edit(store, reviewer, work)

        return command

    commands.command(
        "confirm",
        help=f"Say that these are {plural}; of confirmed brands `ner brands names` makes a word list.\n\n"
        f"Example: `ner {plural} confirm NAME`",
    )(judge("confirm", "confirmed"))
    commands.command(
        "reject",
        help=f"Say that these are no {plural}: they are no longer listed.\n\n"
        f"Example: `ner {plural} reject NAME`",
    )(judge("reject", "rejected"))
    return commands
