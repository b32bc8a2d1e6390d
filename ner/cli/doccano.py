"""Commands that exchange articles with doccano: push articles, pull what annotators made of them."""

import sys
from contextlib import ExitStack
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ner.cli.annotate import annotate, items
from ner.cli.app import DEFAULT_STORE, StoreUrl
from ner.cli.terminal import (
    count,
    interruption,
    needing,
    progress,
    reading,
    say,
    say_error,
    writing,
)
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.annotation.doccano import Labelled
    from ner.article import Rejected
    from ner.store.foreign import AnyStore

DoccanoUrl = Annotated[
    str, typer.Option("--url", envvar="NER_DOCCANO_URL", help="doccano's address.")
]
DoccanoUser = Annotated[
    str, typer.Option("--user", envvar="NER_DOCCANO_USER", help="An admin of the project.")
]
DoccanoPassword = Annotated[
    str,
    typer.Option(
        "--password",
        envvar="NER_DOCCANO_PASSWORD",
        help="Prompted for if omitted; in NER_DOCCANO_PASSWORD it stays out of the shell's history.",
    ),
]
ProjectName = Annotated[str, typer.Option("--project", "-p", help="The project's name in doccano.")]
DEFAULT_URL = "http://127.0.0.1:8000"


@annotate.command()
def push(
    files: Annotated[
        list[str] | None,
        typer.Argument(
            help="Articles with spans, in any form that `ner ingest` reads; the store if omitted."
        ),
    ] = None,
    store: StoreUrl = DEFAULT_STORE,
    project: ProjectName = "ner",
    guideline: Annotated[
        str,
        typer.Option(help="The guideline for annotators, Markdown; docs/guideline.md if omitted."),
    ] = "",
    url: DoccanoUrl = DEFAULT_URL,
    user: DoccanoUser = "admin",
    password: DoccanoPassword = "",
    timeout: Annotated[
        float,
        typer.Option(min=1, help="Seconds to wait for doccano's task worker, for each upload."),
    ] = 120,
) -> None:
    """Send articles to doccano, their spans as pre-labels.

    Creates the project, its labels and its guideline if they are missing. Articles that are there
    already are left as they are, so the same command also resumes a push that was interrupted.

    Example: `ner annotate push suggested.jsonl --project july`
    """
    text = _guideline(guideline)
    client = _connect(url, user, password)
    from ner.annotation import doccano

    opened = doccano.make_project(client, project, guideline=text)
    counts: dict[str, int] = {}
    pushing = progress(doccano.push(opened, items(files, store), timeout=timeout), "pushing")
    with interruption("what was pushed stays in doccano, and the same command goes on"):
        for pushed in pushing:
            counts[pushed.outcome] = counts.get(pushed.outcome, 0) + 1
            if pushed.failure:
                say_error(str(pushed.failure))
    summary = ", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items()))
    say(f"{summary or 'nothing to push'}; {opened.url}")
    if counts.get("failed"):
        raise typer.Exit(1)


@annotate.command()
def pull(
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or -.")] = "",
    store: Annotated[
        str,
        typer.Option(help="Store what was ticked in this article store, as decisions."),
    ] = "",
    project: ProjectName = "ner",
    unfinished: Annotated[
        bool, typer.Option("--unfinished", help="Also articles that nobody has ticked.")
    ] = False,
    url: DoccanoUrl = DEFAULT_URL,
    user: DoccanoUser = "admin",
    password: DoccanoPassword = "",
) -> None:
    """Fetch what annotators have ticked in doccano: spans, comments, who labelled and who approved.

    Changes nothing in doccano. An article whose text was edited there, or whose spans cross, is
    reported and left out; the rest is written. In a store the spans of a ticked article are decided to
    be right and all others found in it wrong: `ner train --from-store` learns from that.

    Example: `ner annotate pull --project july --output july.jsonl`

    Example: `ner annotate pull --project july --store sqlite:///articles.db`
    """
    if not output and not store:
        raise NerError("no output", remedy="--output FILE, --store URL, or both")
    client = _connect(url, user, password)
    from ner.annotation import doccano
    from ner.article import Rejected
    from ner.formats import dump
    from ner.store.foreign import open_store

    opened = doccano.open_project(client, project)
    good = bad = entered = 0
    with ExitStack() as stack:
        sink = stack.enter_context(writing(output)) if output else None
        decisions: AnyStore | None = open_store(store) if store else None
        if decisions:
            stack.enter_context(decisions)
            kept = "decisions entered so far are stored, and the same command goes on"
            stack.enter_context(interruption(kept))
        for item in progress(doccano.pull(opened, unfinished=unfinished), "pulling"):
            if isinstance(item, Rejected):
                bad += 1
                say_error(str(item))
                continue
            good += 1
            if sink:
                sink.write(dump(doccano.labelled_row(item)))
            if decisions and item.confirmed_by:
                outcome = _decide(item, decisions, source=f"doccano {project}")
                if isinstance(outcome, Rejected):
                    bad += 1
                    say_error(str(outcome))
                else:
                    entered += outcome
    left = "" if unfinished else f", {doccano.count_open(opened)} not ticked yet"
    into = f", {count(entered, 'decision')} stored" if store else ""
    say(f"{count(good, 'article')} pulled{into}{left}")
    if bad:
        raise typer.Exit(1)


def _decide(item: "Labelled", decisions: "AnyStore", *, source: str) -> "int | Rejected":
    """Enter what was ticked in a store; how many decisions that is, or why it cannot be."""
    from ner.annotation.select import is_sentence
    from ner.article import Rejected

    outcome = decisions.decide(item.article, item.confirmed_by[-1], source=source)
    if isinstance(outcome, Rejected) and is_sentence(item.article):
        to_file = "pull it with --output FILE, and name the file under [data] in the config"
        return replace(outcome, remedy=to_file)
    return outcome


def _connect(url: str, user: str, password: str) -> Any:
    with needing("doccano"):
        from ner.annotation import doccano
    if not password and sys.stdin.isatty():
        password = typer.prompt(f"Password of {user}", hide_input=True, err=True)
    if not password:
        raise NerError("no password for doccano", remedy="set NER_DOCCANO_PASSWORD")
    return doccano.connect(url, user, password)


def _guideline(name: str) -> str:
    from ner.formats import decode

    with needing("doccano"):
        from ner.annotation import doccano
    if not name:
        return doccano.guideline()
    with reading(name) as file:
        return decode(file.read())
