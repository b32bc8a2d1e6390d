"""The command line: options, composition, one-line errors, exit status. Nothing else.

Commands import what they need inside, since ``ner --help`` must not wait for spaCy.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Annotated, Any, BinaryIO, TypeVar

import typer
from typer.core import TyperGroup

from ner.errors import NerError

Item = TypeVar("Item")


class _Group(TyperGroup):
    """Turns our errors into one line and a status, in one place."""

    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except NerError as error:
            _say_error(str(error))
            raise typer.Exit(1) from None
        except BrokenPipeError:  # the reader went away, as head does
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit(0) from None
        except KeyboardInterrupt:
            _say_error("interrupted; what is done is kept, the same command goes on")
            raise typer.Exit(130) from None


app = typer.Typer(
    cls=_Group,
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
_DEFAULT_STORE = "sqlite:///articles.db"
_DEFAULT_MODEL = "news"


@app.command()
def ingest(
    paths: Annotated[
        list[str], typer.Argument(help="Files, globs, folders (with --recursive), or - for stdin.")
    ],
    store: StoreUrl = _DEFAULT_STORE,
    recursive: Annotated[bool, typer.Option("--recursive", "-r", help="Read folders.")] = False,
    form: Annotated[
        str, typer.Option("--format", help="jsonl, csv, parquet, txt or page; guessed if not said.")
    ] = "",
    field: Annotated[
        list[str] | None, typer.Option(help="OURS=THEIRS, for example body=content; repeatable.")
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Where a text changed, drop the old with its spans.")
    ] = False,
) -> None:
    """Read articles into the store: e-paper pages, text, JSONL, CSV, Parquet.

    Example: `ner ingest pages/*.txt --store sqlite:///articles.db`
    """
    from ner.formats import find
    from ner.ingest import FORMS, read
    from ner.store import Store

    if form and form not in FORMS:
        raise NerError(f"unknown format {form!r}", remedy=f"one of {', '.join(FORMS)}")
    files = find(paths, recursive=recursive)
    counts: dict[str, int] = {}
    with Store(store, create=True) as opened:
        items = read(files, form=form, fields=_fields(field))
        for added in _progress(opened.add(items, replace=replace), "ingesting"):
            counts[added.outcome] = counts.get(added.outcome, 0) + 1
            if added.failure:
                _say_error(str(added.failure))
    _say(", ".join(f"{number} {outcome}" for outcome, number in sorted(counts.items())))
    if counts.get("failed"):
        raise typer.Exit(1)


@app.command()
def tag(
    input: Annotated[
        str, typer.Option("--input", "-i", help="JSONL of {id, text}, or -; else the store.")
    ] = "",
    output: Annotated[
        str, typer.Option("--output", "-o", help="JSONL of {id, spans}, or -.")
    ] = "-",
    store: StoreUrl = _DEFAULT_STORE,
    article: Annotated[
        list[str] | None, typer.Option(help="Only this article of the store; repeatable.")
    ] = None,
    model: ModelName = _DEFAULT_MODEL,
) -> None:
    """Tag what the store holds untagged, or JSONL line by line.

    Example: `ner tag --store sqlite:///articles.db`

    Example: `ner tag --input articles.jsonl --output spans.jsonl`
    """
    if input:
        _tag_lines(input, output, model)
    else:
        _tag_store(store, article or [], model)


def _tag_lines(input: str, output: str, model: str) -> None:
    from ner.lines import tag_lines
    from ner.tagger import load

    bad = 0
    name = "<stdin>" if input == "-" else input
    with _reading(input) as source, _writing(output) as sink:
        for line in _progress(tag_lines(load(model), source, name), "tagging"):
            sink.write(line.json)
            if line.error:
                bad += 1
                _say_error(str(line.error))
    if bad:
        raise typer.Exit(1)


def _tag_store(url: str, ids: list[str], model: str) -> None:
    from ner.batch import model_key, run
    from ner.store import Store
    from ner.tagger import load

    with Store(url) as store:
        tagger = load(model)
        left = len(ids) or store.count(untagged_by=model_key(tagger))
        done = spans = failed = 0
        for step in _progress(run(store, tagger, ids=ids), "tagging", total=left):
            done += step.failure is None
            spans += step.spans
            if step.failure:
                failed += 1
                _say_error(str(step.failure))
    _say(f"{done} articles tagged by {tagger}, {spans} spans" if left else "nothing left to tag")
    if failed:
        raise typer.Exit(1)


@app.command()
def show(
    article: Annotated[list[str] | None, typer.Argument(help="Article ids; all if none.")] = None,
    store: StoreUrl = _DEFAULT_STORE,
    limit: Annotated[int, typer.Option(min=1, help="At most so many articles.")] = 20,
    failures: Annotated[
        bool, typer.Option("--failures", help="What could not be read or tagged, instead.")
    ] = False,
) -> None:
    """Print articles with their spans in colour, and what was found in each.

    Example: `ner show cqrb-2024-12-05-002-1 | less -R`
    """
    import itertools

    from ner import render
    from ner.article import Rejected
    from ner.store import Store

    console = render.console()
    with Store(store) as opened:
        if failures:
            for failure in opened.failures():
                console.print(str(failure), markup=False)
            return
        for item in itertools.islice(opened.articles(ids=article or ()), limit):
            if isinstance(item, Rejected):
                _say_error(str(item))
            else:
                console.print(render.article(item))
        more = (len(article) if article else opened.count()) - limit
    if more > 0:
        _say(f"{more} more; --limit shows them")


@app.command()
def export(
    store: StoreUrl = _DEFAULT_STORE,
    form: Annotated[str, typer.Option("--format", help="jsonl, the one form so far.")] = "jsonl",
    output: Annotated[str, typer.Option("--output", "-o", help="A file, or -.")] = "-",
) -> None:
    """Write the store's articles with their spans, one JSON object a line.

    Example: `ner export --store sqlite:///articles.db --output articles.jsonl`
    """
    from ner.article import Rejected
    from ner.formats import article_row, dump
    from ner.store import Store

    if form != "jsonl":
        raise NerError(f"unknown format {form!r}", remedy="jsonl")
    bad = 0
    with Store(store) as opened, _writing(output) as sink:
        for item in _progress(opened.articles(), "exporting", total=opened.count()):
            if isinstance(item, Rejected):
                bad += 1
                _say_error(str(item))
            else:
                sink.write(dump(article_row(item)))
    if bad:
        raise typer.Exit(1)


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A TOML file, see configs/.")],
    run: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/NAME if not said.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Put the model here when done.")
    ] = None,
) -> None:
    """Train a model; killed and started again, it goes on.

    Example: `ner train configs/small.toml --output models/small-0.1.0`
    """
    with _needing("train"):
        from ner import config as configs
        from ner.train import Config, fit

    settings = configs.read(config, Config)
    folder = run or Path("runs") / settings.name
    for epoch in _progress(fit(settings, folder), "training", total=settings.schedule.epochs):
        figures = " ".join(f"{name} {100 * c.f1:.1f}" for name, c in epoch.dev.items())
        best = " *" if epoch.is_best else ""
        _say(f"epoch {epoch.number}: loss {epoch.loss:.4f}, dev F1 {figures}{best}")
    made = folder / "model"
    if output:
        import shutil

        if output.exists():
            raise NerError(
                "is there already", where=str(output), remedy="delete it, or name another"
            )
        shutil.copytree(made, output)
        made = output
    _say(f"model in {made}")


@app.command()
def pretrain(
    config: Annotated[Path, typer.Argument(help="A TOML file, see configs/encoder.toml.")],
    run: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/encoder"),
) -> None:
    """Teach an encoder the language from raw text; killed and started again, it goes on.

    Example: `ner pretrain configs/encoder.toml --run runs/encoder`
    """
    with _needing("train"):
        from ner import config as configs
        from ner.pretrain import Config, pretrain

    for step in _progress(pretrain(configs.read(config, Config), run), "pretraining"):
        _say(
            f"step {step.step} ({step.share:.0%}): masked {step.masked:.3f}, tags {step.tags:.3f},"
            f" {step.characters_a_second / 1000:.1f} k characters/s"
        )
    _say(f"encoder in {run / 'encoder.pt'}")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name, or its folder.")],
    files: Annotated[list[str], typer.Argument(help="Annotated JSONL.")],
) -> None:
    """Score a model on annotated articles: strict precision, recall and F1, a row a label.

    Example: `ner evaluate news data/annotations/test.jsonl`
    """
    from ner import corpus, render
    from ner.score import table
    from ner.tagger import load

    articles = list(corpus.read(files))
    found = list(load(model).tag(article.text for article in articles))
    render.console().print(render.score_table(table([a.spans for a in articles], found)))


@app.command()
def models() -> None:
    """List the models that are installed.

    Example: `ner models`
    """
    from ner.tagger import installed_models, load

    for folder in installed_models():
        tagger = load(folder)
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        typer.echo(f"{tagger}  {tagger.hash[:12]}  {size / 1e6:.1f} MB  {folder}")


def _fields(pairs: list[str] | None) -> dict[str, str]:
    from ner.formats import FIELDS

    fields = {}
    for pair in pairs or ():
        ours, equals, theirs = pair.partition("=")
        if not equals or ours not in FIELDS:
            raise NerError(
                f"--field {pair} means nothing",
                remedy=f"OURS=THEIRS, ours one of {', '.join(FIELDS)}",
            )
        fields[ours] = theirs
    return fields


@contextmanager
def _needing(extra: str) -> Iterator[None]:
    """Name the extra, where a library that only it installs is not there."""
    try:
        yield
    except ModuleNotFoundError as error:
        raise NerError(f"this needs {error.name}", remedy=f"pip install 'ner[{extra}]'") from None


@contextmanager
def _reading(name: str) -> Iterator[BinaryIO]:
    if name == "-":
        yield sys.stdin.buffer
        return
    path = Path(name)
    try:
        file = path.open("rb")
        empty = path.stat().st_size == 0
    except IsADirectoryError:
        raise NerError("is a folder", where=name, remedy="name a JSONL file") from None
    except OSError as error:
        raise NerError(
            f"cannot be read: {error.strerror}", where=name, remedy="check the path"
        ) from None
    with file:
        if empty:
            raise NerError("is empty", where=name, remedy="one JSON object a line")
        yield file


@contextmanager
def _writing(name: str) -> Iterator[IO[str]]:
    """Standard output, or a file that appears when it is whole."""
    if name == "-":
        sys.stdout.reconfigure(encoding="utf-8")  # type: ignore[union-attr]
        yield sys.stdout
        sys.stdout.flush()
        return
    path = Path(name)
    beside = path.with_name(path.name + ".part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as file:
            yield file
        beside.replace(path)
    except OSError as error:
        if isinstance(error, BrokenPipeError):
            raise
        raise NerError(
            f"cannot be written: {error.strerror}", where=name, remedy="check folder and rights"
        ) from None
    finally:
        beside.unlink(missing_ok=True)


def _progress(items: Iterable[Item], what: str, *, total: int | None = None) -> Iterator[Item]:
    """Pass items on under a progress bar, where a person watches."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    from ner.render import console

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
    )
    screen = console(stderr=True)
    with Progress(
        *columns, console=screen, transient=True, disable=not screen.is_terminal
    ) as progress:
        yield from progress.track(items, description=what, total=total)


def _say(message: str) -> None:
    typer.echo(message, err=True)


def _say_error(message: str) -> None:
    typer.secho("error: ", fg="red", err=True, nl=False)
    typer.echo(message, err=True)
