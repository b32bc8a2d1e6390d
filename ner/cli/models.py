"""Commands over models: train, evaluate, compare, list, promote, roll back."""

from collections.abc import Sequence
from contextlib import ExitStack
from json import dump
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import DEFAULT_STORE, StoreUrl, app, group
from ner.cli.terminal import count, echo, interruption, needing, progress, say, say_error, writing
from ner.errors import NerError
from ner.tagger.registry import DEFAULT_MODEL

if TYPE_CHECKING:
    from ner.annotation.review import Comparison
    from ner.article import Article, Span
    from ner.tagger.loading import Tagger
    from ner.training.config import TrainConfig
    from ner.training.train import Epoch

AnnotatedFiles = Annotated[list[str], typer.Argument(help="Annotated JSONL.")]


@app.command()
def train(
    config: Annotated[Path, typer.Argument(help="A TOML file, see configs/.")],
    run: Annotated[
        Path | None, typer.Option(help="The run's folder; runs/NAME if omitted.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Put the model here when done.")
    ] = None,
    from_store: Annotated[
        bool, typer.Option("--from-store", help="Train on what people decided in the store, too.")
    ] = False,
    store: StoreUrl = DEFAULT_STORE,
) -> None:
    """Train a model; killed and started again, it goes on.

    Where the config names test files, the model is set beside the one it started from when done.
    What the store held when a run began stays in its folder and is what the run goes on with.

    Example: `ner train configs/small.toml --output models/small-0.1.0`

    Example: `ner train configs/own.toml --from-store --store sqlite:///articles.db`
    """
    with needing("train"):
        from ner import corpus
        from ner.cli.training import show_steps
        from ner.evaluation.significance import require_enough
        from ner.tagger import promotion
        from ner.training.config import TrainConfig
        from ner.training.config_file import read_config
        from ner.training.train import Step, train

    settings = read_config(config, TrainConfig)
    test, start = settings.data.test, settings.base
    if test and start:
        require_enough(sum(1 for _ in corpus.read(test)))
    folder = run or Path("runs") / settings.name
    made = folder / "model"
    if output:
        promotion.require_free(output, made)
    if from_store:
        settings = _with_reviewed(settings, store, folder)

    def describe(step: Step) -> str:
        place = (
            f"epoch {step.epoch} of {settings.schedule.epochs}, step {step.number} of {step.steps}"
        )
        return f"{place}: loss {step.loss:.4f}"

    with interruption(f"the run is kept in {folder}, and the same command goes on"):
        for epoch in show_steps(train(settings, folder), Step, describe):
            _print_epoch(epoch)
    if output:
        if not output.exists():
            promotion.copy(made, output)
        made = output
    say(f"model in {made}")
    if test and start:
        files = [str(file) for file in test]
        _compared(start, str(made), files)
        say(f"to put it in use: ner models promote {made} {' '.join(files)}")


def _print_epoch(epoch: "Epoch") -> None:
    figures = " ".join(f"{name} {100 * c.f1:.1f}" for name, c in epoch.dev.items())
    best = " *" if epoch.is_best else ""
    say(f"epoch {epoch.number}: loss {epoch.loss:.4f}, dev F1 {figures}{best}")


def _with_reviewed(settings: "TrainConfig", url: str, run: Path) -> "TrainConfig":
    """The config with the reviewed articles of a store as further training data."""
    from ner import corpus
    from ner.annotation.review import reviewed_corpus

    data = settings.data
    held_out = corpus.read((*data.dev, *data.test))
    begun = (run / "config.json").exists()
    reviewed = reviewed_corpus(url, run, held_out=held_out, begun=begun)
    for rejected in reviewed.rejected:
        say_error(str(rejected))
    if reviewed.resumed:
        say(f"the run goes on with its {reviewed.articles} reviewed articles;")
        say(f"to train on newer decisions delete {run}")
    else:
        more = f", {reviewed.held_out} more kept for testing" if reviewed.held_out else ""
        say(f"{reviewed.articles} reviewed articles in {reviewed.path}{more}")
    return settings.with_training_file(reviewed.path.resolve())


@app.command()
def pretrain(
    config: Annotated[
        Path,
        typer.Argument(help="A TOML file, see configs/encoder.toml and configs/newspapers.toml."),
    ],
    run: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/encoder"),
) -> None:
    """Pretrain an encoder on raw text; killed and started again, it goes on.

    Example: `ner pretrain configs/encoder.toml --run runs/encoder`
    """
    with needing("train"):
        from ner.cli.training import show_steps
        from ner.training.config import PretrainConfig
        from ner.training.config_file import read_config
        from ner.training.pretrain import PretrainStep, pretrain

    settings = read_config(config, PretrainConfig)

    def describe(step: PretrainStep) -> str:
        tags = "" if step.tag_loss is None else f" of tags {step.tag_loss:.3f},"
        return (
            f"step {step.number} of {step.steps}: loss of what is masked {step.masked_loss:.3f},{tags}"
            f" {step.per_second:,.0f} {'pieces' if step.tag_loss is None else 'characters'}/s"
        )

    with interruption(f"the run is kept in {run}, and the same command goes on"):
        for texts in show_steps(pretrain(settings, run), PretrainStep, describe):
            skipped = f", {texts.skipped} lines skipped" if texts.skipped else ""
            say(
                f"texts: file {texts.file} of {texts.files}, {count(texts.articles, 'article')}{skipped}"
            )
    say(f"encoder in {run / 'encoder.pt'}")


@app.command()
def evaluate(
    model: Annotated[str, typer.Argument(help="A model's name, or its folder.")],
    files: AnnotatedFiles,
    train: Annotated[
        list[str] | None,
        typer.Option(
            help="A file it was trained on: names that occur there are counted separately."
        ),
    ] = None,
    json: Annotated[str, typer.Option(help="Also write the figures to this file, as JSON.")] = "",
    html: Annotated[str, typer.Option(help="Write an HTML page of every mistake in context.")] = "",
) -> None:
    """Score a model on annotated articles: strict precision, recall and F1 with intervals, and more.

    A row per label, micro-averaged over all articles; macro is the mean of the articles' F1. Intervals
    are from a bootstrap of 1,000 samples of the articles. quoted BRAND: which strings between quotation
    marks are brands.

    Example: `ner evaluate news data/annotations/test.jsonl --html mistakes.html`
    """
    from ner import corpus
    from ner.cli import render
    from ner.cli.console import console
    from ner.evaluation.error_page import error_page
    from ner.evaluation.evaluate import evaluate, names

    articles = list(corpus.read(files))
    known = names(corpus.read(train)) if train else None
    with ExitStack() as stack:  # what cannot be written is told before minutes of tagging
        figures = stack.enter_context(writing(json)) if json else None
        page = stack.enter_context(writing(html)) if html else None
        tagger, found = _tagged(model, articles)
        result = evaluate(articles, found, known=known)
        console().print(str(tagger), "on", *files, style="bold")
        console().print(render.evaluation(result))
        if figures:
            about = {"model": str(tagger), "hash": tagger.hash, "files": files}
            about["train"] = train or []
            dump({**about, **result.figures()}, figures, ensure_ascii=False, indent=1)
            figures.write("\n")
        if page:
            title = f"{tagger} on {', '.join(Path(file).name for file in files)}"
            page.write(error_page(articles, found, result, title=title))


@app.command()
def compare(
    a: Annotated[str, typer.Argument(help="A model's name, or its folder.")],
    b: Annotated[str, typer.Argument(help="The name or folder of another.")],
    files: AnnotatedFiles,
) -> None:
    """Test whether model B is better than model A, label by label.

    A paired bootstrap test: both tag the same articles, of which 10,000 samples are drawn. p is the
    probability of a difference at least as large if there were none; below 0.05 B is called better or
    worse.

    Example: `ner compare news models/small-0.1.0 data/annotations/test.jsonl`
    """
    _compared(a, b, files)


def _compared(a: str, b: str, files: Sequence[str]) -> None:
    """Compare two models and print the figures."""
    from ner import corpus
    from ner.annotation.review import compare_models

    _print_comparison(compare_models(a, b, list(corpus.read(files)), watch=progress), files)


def _print_comparison(comparison: "Comparison", files: Sequence[str]) -> None:
    from ner.cli import render
    from ner.cli.console import console

    screen = console()
    for letter, tagger in (("A", comparison.a), ("B", comparison.b)):
        screen.print(f"{letter}  {tagger}  {tagger.hash[:12]}  {tagger.folder}")
    screen.print(f"on {comparison.articles} articles of", *files, end="\n\n")
    screen.print(render.comparison(comparison.rows))


def _tagged(model: str, articles: "Sequence[Article]") -> "tuple[Tagger, list[list[Span]]]":
    from ner.tagger.loading import load

    tagger = load(model)
    texts = (article.text for article in articles)
    return tagger, list(progress(tagger.tag(texts), f"tagging by {tagger}", total=len(articles)))


models = group("models")

UsedName = Annotated[str, typer.Option("--name", help="The name under which it is used.")]


@models.callback(invoke_without_command=True)
def installed(
    context: typer.Context,
    data: Annotated[
        bool,
        typer.Option(
            "--data", help="Also list the files that each was trained on, with their SHA-256."
        ),
    ] = False,
) -> None:
    """List the installed models and verify their files against their hashes.

    `sha256sum -c SHA256SUMS` in a model's folder does the same; a model without that file is not
    verified. Exit status 1 if one is damaged. `promote` and `rollback` choose which one is used.

    Example: `ner models`
    """
    if context.invoked_subcommand:
        return
    from ner.tagger import checksums
    from ner.tagger.loading import load
    from ner.tagger.registry import find_model, installed_models, record

    damaged, promotions = False, {}
    used: dict[Path, list[str]] = {}
    try:
        promotions = record()
    except NerError as error:
        say_error(str(error))
        damaged = True
    names = [DEFAULT_MODEL, *(name for name, models in promotions.items() if models)]
    for name in dict.fromkeys(names):
        try:
            folder = find_model(name, promotions.get(name, ()))
            used.setdefault(folder, []).append(name)
        except NerError as error:
            say_error(str(error))
            damaged = True
    for folder in installed_models():
        try:
            state = "verified" if checksums.verify(folder) else "not verified"
            tagger = load(folder)
        except NerError as error:
            say_error(str(error))
            damaged = True
            continue
        size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
        means = f"  <- {', '.join(used[folder])}" if folder in used else ""
        echo(f"{tagger}  {tagger.hash[:12]}  {size / 1e6:.1f} MB  {state}  {folder}{means}")
        if data:
            for name, digest in tagger.data.items():
                echo(f"  {digest}  {name}")
    if damaged:
        raise typer.Exit(1)


@models.command()
def promote(
    model: Annotated[str, typer.Argument(help="The new model's name, or its folder.")],
    files: AnnotatedFiles,
    name: UsedName = DEFAULT_MODEL,
    override: Annotated[
        bool, typer.Option("--override", help="Ask whether to go on where it is worse.")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Put a model in use, if a paired test says that it is no worse on any label.

    Both models tag the same annotated articles, as `ner compare` has it; the first model of a new name
    is compared with none. From then on the name means the new model, until `ner models rollback`. It is
    copied to NER_MODELS (~/.local/share/ner/models).

    Example: `ner models promote runs/own/model data/annotations/test.jsonl`
    """
    from ner import corpus
    from ner.annotation import review

    candidate = review.candidate(model, list(corpus.read(files)), name, watch=progress)
    if candidate.in_use:
        say(f"{name} is {candidate.tagger} already; nothing was changed")
        return
    if candidate.comparison:
        _print_comparison(candidate.comparison, files)
    else:
        say(f"there is no model {name!r} yet, so none to compare with")
    if candidate.worse and override and not yes:
        worse = ", ".join(candidate.worse)
        typer.confirm(f"worse on {worse}: promote it all the same?", abort=True, err=True)
    folder = review.promote(candidate, override=override)
    option = "" if name == DEFAULT_MODEL else f" --name {name}"
    back = f"; `ner models rollback{option}` takes it back" if candidate.comparison else ""
    say(f"{name} is now {candidate.tagger}, in {folder}{back}")


@models.command()
def rollback(name: UsedName = DEFAULT_MODEL) -> None:
    """Undo the last promotion: the name means the model that it meant before. No model is deleted.

    Example: `ner models rollback`
    """
    from ner.tagger import promotion
    from ner.tagger.loading import load

    folder = promotion.rollback(name)
    say(f"{name} is now {load(folder)}, in {folder}")
