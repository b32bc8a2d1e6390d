"""Commands over models: trained, measured, listed."""

from pathlib import Path
from typing import Annotated

import typer

from ner.cli.app import app
from ner.cli.terminal import needing, progress, say
from ner.errors import NerError


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
    with needing("train"):
        from ner import config as configs
        from ner.train import Config, fit

    settings = configs.read(config, Config)
    folder = run or Path("runs") / settings.name
    for epoch in progress(fit(settings, folder), "training", total=settings.schedule.epochs):
        figures = " ".join(f"{name} {100 * c.f1:.1f}" for name, c in epoch.dev.items())
        best = " *" if epoch.is_best else ""
        say(f"epoch {epoch.number}: loss {epoch.loss:.4f}, dev F1 {figures}{best}")
    made = folder / "model"
    if output:
        import shutil

        if output.exists():
            raise NerError(
                "is there already", where=str(output), remedy="delete it, or name another"
            )
        shutil.copytree(made, output)
        made = output
    say(f"model in {made}")


@app.command()
def pretrain(
    config: Annotated[Path, typer.Argument(help="A TOML file, see configs/encoder.toml.")],
    run: Annotated[Path, typer.Option(help="The run's folder.")] = Path("runs/encoder"),
) -> None:
    """Teach an encoder the language from raw text; killed and started again, it goes on.

    Example: `ner pretrain configs/encoder.toml --run runs/encoder`
    """
    with needing("train"):
        from ner import config as configs
        from ner.pretrain import Config, pretrain

    for step in progress(pretrain(configs.read(config, Config), run), "pretraining"):
        say(
            f"step {step.step} ({step.share:.0%}): masked {step.masked:.3f}, tags {step.tags:.3f},"
            f" {step.characters_a_second / 1000:.1f} k characters/s"
        )
    say(f"encoder in {run / 'encoder.pt'}")


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
