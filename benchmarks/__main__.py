"""``python -m benchmarks`` with ``speed``, ``store``, ``register`` and others: ``--help`` lists them."""

from pathlib import Path
from typing import Annotated

import typer

from benchmarks import accuracy, confirmed, register, report, spacy_cnn, speed
from benchmarks import store as stores
from ner import corpus
from ner.cli.app import Group
from ner.cli.terminal import say

DATA = Path(__file__).parents[1] / "data/annotations"
CACHE = Path("runs/benchmarks")
SYSTEMS = "ner,lac,lac-lines,jieba,spacy,hanlp,ltp"

app = typer.Typer(
    cls=Group,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Our tagger compared with others, and how a store of many articles behaves.",
)

Systems = Annotated[str, typer.Option(help="Their names, separated by commas.")]
Model = Annotated[str, typer.Option(help="Our model: a name or a folder.")]
HanLP = Annotated[str, typer.Option(help="Folder of a HanLP model; skipped if not given.")]
LTP = Annotated[str, typer.Option(help="Folder of an LTP model; skipped if not given.")]
Train = Annotated[
    list[Path] | None, typer.Option(help="What spaCy's recogniser learns from; ours if omitted.")
]
Steps = Annotated[int, typer.Option(min=1, help="Maximum number of steps of spaCy's training.")]
Write = Annotated[Path | None, typer.Option(help="Put the table into this page.")]


def _names(
    systems: str, model: str, hanlp: str, ltp: str, train: list[Path] | None, steps: int
) -> list[str]:
    """Systems with the argument each is loaded with; spaCy's recogniser is trained first."""
    arguments = {"ner": model, "hanlp": hanlp, "ltp": ltp}
    names = systems.split(",")
    if "spacy" in names:
        say(f"spaCy's recogniser: trained now, unless it is in {CACHE}")
        folder = spacy_cnn.trained(
            train or [DATA / "train.jsonl"], DATA / "dev.jsonl", CACHE, steps=steps
        )
        arguments["spacy"] = str(folder)
    return [f"{name}:{arguments[name]}" if name in arguments else name for name in names]


@app.command("speed")
def speed_(
    files: Annotated[
        list[str] | None, typer.Argument(help="Articles as JSONL; our own annotated ones if none.")
    ] = None,
    characters: Annotated[int, typer.Option(min=1, help="Characters per round.")] = 200_000,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    systems: Systems = SYSTEMS,
    model: Model = "news",
    hanlp: HanLP = "",
    ltp: LTP = "",
    train: Train = None,
    steps: Steps = spacy_cnn.STEPS,
    write: Write = None,
) -> None:
    """Characters per second from raw text to spans, LAC in the same run for comparison.

    Example: `python -m benchmarks speed --write docs/benchmarks.md`
    """
    lines = report.conditions()
    paths = files or sorted(map(str, DATA.glob("*.jsonl")))
    texts = speed.enough(
        [article.text for article in corpus.read(paths, annotated=False)], characters
    )
    figures = speed.measure(_names(systems, model, hanlp, ltp, train, steps), texts, rounds)
    base = speed.anchor(figures)
    total = sum(map(len, texts))
    lines += [
        "",
        f"{len(texts)} texts, {total:,} characters a round, {rounds} rounds, round-robin, after a warm-up;"
        f" ratios to {base.name if base else 'nothing: LAC did not run'}.",
        "",
        *speed.table(figures),
    ]
    _publish(write, "speed", lines)


@app.command("accuracy")
def accuracy_(
    files: Annotated[
        list[str] | None, typer.Argument(help="Annotated JSONL; our own dev if none.")
    ] = None,
    systems: Systems = "ner,lac,jieba,spacy,hanlp,ltp",
    model: Model = "news",
    hanlp: HanLP = "",
    ltp: LTP = "",
    train: Train = None,
    steps: Steps = spacy_cnn.STEPS,
    write: Write = None,
) -> None:
    """Strict F1 of outermost people, places and organisations.

    Example: `python -m benchmarks accuracy data/annotations/dev.jsonl --write docs/benchmarks.md`
    """
    lines = report.conditions()
    names = _names(systems, model, hanlp, ltp, train, steps)
    for path in files or [str(DATA / "dev.jsonl")]:
        articles = list(corpus.read([path]))
        size = sum(len(article.text) for article in articles)
        heading = f"**{Path(path).name}**: {len(articles)} articles, {size:,} characters"
        lines += ["", heading, "", *accuracy.table(accuracy.measure(names, articles))]
    _publish(write, "accuracy", lines)


@app.command("overview")
def overview_(
    files: Annotated[
        list[str] | None, typer.Argument(help="Annotated JSONL; our own dev if none.")
    ] = None,
    systems: Systems = "ner:news,ner:news-fast,lac-lines,jieba,spacy",
    characters: Annotated[int, typer.Option(min=1, help="Characters per round.")] = 200_000,
    rounds: Annotated[int, typer.Option(min=1)] = 5,
    train: Train = None,
    steps: Steps = spacy_cnn.STEPS,
    plot: Annotated[Path | None, typer.Option(help="Draw accuracy against speed here.")] = None,
    write: Write = None,
) -> None:
    """Accuracy on each file and speed of each system, in one table and one plot.

    The plot's accuracy is that on the first file.

    Example: `python -m benchmarks overview --plot docs/images/overview.png --write docs/benchmarks.md`
    """
    from benchmarks import overview

    lines = report.conditions()
    names = _names(systems, "news", "", "", train, steps)
    paths = files or [str(DATA / "dev.jsonl")]
    sets = [list(corpus.read([path])) for path in paths]
    accuracies = [accuracy.measure(names, articles) for articles in sets]
    texts = [article.text for articles in sets for article in articles]
    speeds = speed.measure(names, speed.enough(texts, characters), rounds)
    titles = [Path(path).stem for path in paths]
    lines += ["", *overview.table(titles, accuracies, speeds)]
    if plot:
        overview.plot(accuracies[0], speeds, titles[0], plot)
        lines += ["", f"![Accuracy against speed](images/{plot.name})"]
    _publish(write, "overview", lines)


@app.command("store")
def store_(
    url: Annotated[str, typer.Argument(help="Where to make the store: sqlite:////tmp/big.db")],
    articles: Annotated[int, typer.Option(min=1000, help="How many are generated.")] = 100_000,
) -> None:
    """A store of many generated articles: filled, opened, looked around in.

    Example: `python -m benchmarks store sqlite:////tmp/big.db --articles 100000`
    """
    stores.measure(url, articles)


@app.command("review")
def review_(
    url: Annotated[str, typer.Argument(help="The store, made if it is not there yet.")],
    articles: Annotated[int, typer.Option(min=1000, help="How many are generated.")] = 20_000,
    reviewers: Annotated[int, typer.Option(min=1)] = 20,
    seconds: Annotated[float, typer.Option(min=1, help="How long they work.")] = 60,
    pause: Annotated[
        float, typer.Option(min=0, help="Seconds between two decisions of one, on average.")
    ] = 1.0,
    write: Write = None,
) -> None:
    """The viewer with many reviewers at once, over HTTP: how long they wait.

    Example: `python -m benchmarks review sqlite:////tmp/review.db --articles 20000`
    """
    from benchmarks import review

    lines = report.conditions()
    lines += ["", *review.measure(url, articles, reviewers, seconds, pause)]
    _publish(write, "review", lines)


@app.command("register")
def register_(
    url: Annotated[str, typer.Argument(help="Where to make the store: sqlite:////tmp/reg.db")],
    articles: Annotated[int, typer.Option(min=1000, help="How many are generated.")] = 100_000,
) -> None:
    """The register of a store of generated articles: built, and brought up to date with 100 more.

    Example: `python -m benchmarks register sqlite:////tmp/register.db --articles 100000`
    """
    register.measure(url, articles)


@app.command("confirmed")
def confirmed_(
    files: Annotated[list[Path], typer.Argument(help="Annotated articles as JSONL.")],
    model: Model = "news",
) -> None:
    """What `ner brands confirm` adds: brands found before and after, quoted and unquoted.

    Example: `python -m benchmarks confirmed data/annotations/dev.jsonl --model news-fast`
    """
    confirmed.measure(model, files)


@app.command("tagging")
def tagging_(
    url: Annotated[str, typer.Argument(help="Where to make the store: sqlite:////tmp/tagged.db")],
    articles: Annotated[int, typer.Option(min=10, help="How many are generated.")] = 100_000,
    characters: Annotated[int, typer.Option(min=0, help="Of each, at most; 0: all of it.")] = 60,
    seconds: Annotated[float, typer.Option(help="After which the run is ended.")] = 600,
    model: Model = "news-fast",
    plot: Annotated[Path | None, typer.Option(help="Throughput and memory as a picture.")] = None,
) -> None:
    """A store tagged from end to end: how fast beside the tagger alone, and how much memory.

    Example: `python -m benchmarks tagging sqlite:////tmp/tagged.db --plot docs/images/tagging.png`
    """
    from benchmarks import tagging
    from ner.tagger.loading import load

    tagging.measure(url, load(model, threads=1), articles, characters, seconds, plot)


@app.command("kills")
def kills_(
    url: Annotated[str, typer.Argument(help="Where to make the store: sqlite:////tmp/killed.db")],
    kills: Annotated[int, typer.Option(min=1, help="How often a tagger is killed.")] = 200,
    articles: Annotated[int, typer.Option(min=10, help="How many are generated.")] = 400,
    model: Model = "news-fast",
) -> None:
    """Taggers of a store killed at random moments: what is lost, wrong, or left over.

    Example: `python -m benchmarks kills sqlite:////tmp/killed.db --kills 200`
    """
    from benchmarks.kills import kill_often
    from ner.tagger.loading import load

    typer.echo(str(kill_often(url, load(model, threads=1), kills=kills, articles=articles)))


def _publish(page: Path | None, section: str, lines: list[str]) -> None:
    typer.echo("\n".join(lines))
    if page:
        report.write(page, section, lines)
        say(f"written to {page}")


if __name__ == "__main__":
    app()
