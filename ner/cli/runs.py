"""`ner runs`: what each run did, and what a new model changes."""

from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import DEFAULT_STORE, StoreUrl, group
from ner.cli.terminal import count, echo, say
from ner.errors import NerError

if TYPE_CHECKING:
    from ner.store import ModelKey, RunSummary
    from ner.store.foreign import AnyStore

runs = group("runs", invoke_without_command=True)

_LISTED = 20  # articles that a run could not tag, at most


@runs.callback()
def list_runs(context: typer.Context, store: StoreUrl = DEFAULT_STORE) -> None:
    """What each run of `ner tag` did to the store, the newest first: how many articles it tagged, with how
    many characters and spans, how many it could not tag, and the characters a second. A run that goes on,
    or was killed, is open.

    Example: `ner runs --store sqlite:///articles.db`
    """
    from ner.cli.console import console
    from ner.cli.render import figures
    from ner.store.foreign import open_store

    if context.invoked_subcommand:
        return
    headings = (
        "model",
        "run",
        "began",
        "articles",
        "characters",
        "spans",
        "failed",
        "per s",
    )
    with open_store(store) as opened:
        rows = [_row(run) for run in opened.runs()]
    if rows:
        console().print(figures(headings, rows))
    else:
        say("no runs: nothing was tagged yet")


def _row(run: "RunSummary") -> tuple[str, ...]:
    return (
        str(run.model),
        str(run.number),
        f"{run.started_at:%Y-%m-%d}",
        f"{run.articles:,}",
        f"{run.characters:,}",
        f"{sum(run.spans.values()):,}",
        f"{run.failed:,}",
        _speed(run) if run.finished_at else "open",
    )


def _speed(run: "RunSummary") -> str:
    return f"{run.characters / run.seconds:,.0f}" if run.seconds > 0 else ""


@runs.command()
def show(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of a run.")],
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """One run: its model, its figures, and the articles that it could not tag.

    Example: `ner runs show 12 --store sqlite:///articles.db`
    """
    from ner.store.foreign import open_store

    with open_store(store) as opened:
        run = opened.run(number)
        failed = [item for item in opened.quarantined(run.model) if item.run == number]
    finished = f"{run.finished_at:%Y-%m-%d %H:%M:%S} UTC" if run.finished_at else "not finished"
    lines = {
        "run": str(run.number),
        "model": f"{run.model}, SHA-256 {run.model.hash}",
        "began": f"{run.started_at:%Y-%m-%d %H:%M:%S} UTC",
        "ended": finished,
        "articles": f"{run.articles:,}",
        "characters": f"{run.characters:,}",
        "speed": f"{_speed(run) or '-'} characters a second",
        **{f"spans {label}": f"{many:,}" for label, many in run.spans.items()},
        "failed": f"{run.failed:,}",
    }
    for name, value in lines.items():
        echo(f"{name:<12}{value}")
    for item in failed[:_LISTED]:
        tries = count(item.tries, "try").replace("trys", "tries")
        echo(f"  {item.to_rejected()}; {tries}")
    if len(failed) > _LISTED:
        say(f"{count(len(failed) - _LISTED, 'more article')}: ner show --failures")


@runs.command()
def diff(
    old: Annotated[str, typer.Argument(help="A run's number, or a model's name.")],
    new: Annotated[str, typer.Argument(help="The same of the newer one.")],
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """What changed from one model to another: spans by label, and the articles that changed most.

    Compared are the articles that both have tagged. Spans of a model take the place of its earlier ones,
    so two runs of one model cannot be compared. Spans that people called right and the new model does not
    find are told of: `ner show` and `ner export` keep them.

    Example: `ner runs diff news-fast news`
    """
    from ner.cli.console import console
    from ner.cli.render import figures
    from ner.store.foreign import open_store

    with open_store(store) as opened:
        first, second = _model(opened, old), _model(opened, new)
        if first == second:
            raise NerError(f"both are {first}", remedy="name another model, or a run of another")
        found = opened.compare(first, second)
        lost = opened.unrepeated(second)
    rows = [
        (change.label, f"{change.both:,}", f"{change.gone:,}", f"{change.new:,}")
        for change in found.labels
    ]
    say(f"{first} → {second}: {found.changed:,} of {count(found.articles, 'article')} changed")
    console().print(figures(("label", "in both", "gone", "new"), rows))
    for article, many in found.most_changed.items():
        echo(f"{article}  {count(many, 'span')}")
    if lost:
        kept = count(sum(lost.values()), "span")
        say(f"{kept} that people called right are not found by {second}; they stay")
    for article, many in lost.items():
        echo(f"{article}  {count(many, 'confirmed span')} not repeated")


def _model(store: "AnyStore", name: str) -> "ModelKey":
    from ner.batch.models import find_key

    return store.run(int(name)).model if name.isdecimal() else find_key(store, name)
