"""Commands over annotated files: what they hold, whether they agree, and other forms of them."""

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ner.cli.app import group
from ner.cli.articles import field_names
from ner.cli.terminal import (
    count,
    echo,
    progress,
    readable,
    save,
    say,
    say_dropped,
    say_error,
    say_skipped,
    writing,
)
from ner.errors import NerError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ner.corpus import Statistics
    from ner.evaluation.agreement import Pairs
    from ner.formats import Item
    from ner.words import Segment

corpus = group(
    "corpus",
    no_args_is_help=True,
    help="Count, check, compare, split, merge and convert annotated files.",
)

PkusegModel = Annotated[
    str,
    typer.Option(
        "--pkuseg-model",
        metavar="PATH|NAME",
        help="A word model: words (ours), a folder, or a name that spacy-pkuseg downloads.",
    ),
]
DEFAULT_WORDS = "words"

Files = Annotated[list[Path], typer.Argument(help="Annotated JSONL.")]


@corpus.command()
def convert(
    source: Annotated[str, typer.Argument(help="A file, a folder (brat), or -.", metavar="IN")],
    output: Annotated[
        str, typer.Argument(help="A file, a new folder (brat), or -.", metavar="OUT")
    ],
    form: Annotated[
        str,
        typer.Option("--from", help="The format of IN; detected if omitted."),
    ] = "",
    to: Annotated[
        str, typer.Option("--to", help="The format of OUT; by its name if omitted.")
    ] = "",
    field: Annotated[
        list[str] | None, typer.Option(help="OURS=THEIRS, for example text=content; repeatable.")
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="bio, bmes, docbin: tokens are words, not characters.")
    ] = False,
    pkuseg_model: PkusegModel = DEFAULT_WORDS,
) -> None:
    """Convert annotated articles from one format to another; what that cannot represent is counted.

    Formats: jsonl, parquet, doccano, doccano-relations, label-studio, brat, bio, bmes, docbin,
    web-annotation; csv, xlsx and html are written only.

    Example: `ner corpus convert data/annotations/dev.jsonl dev.json --to label-studio`

    Example: `ner corpus convert export.jsonl reviewed.jsonl --from doccano`

    Example: `ner corpus convert data/annotations/dev.jsonl dev.bio --to bio --words`
    """
    from ner.article import Rejected
    from ner.formats import FORMATS, find
    from ner.formats.reader import read

    to = _output_form(output, to)
    if form and form not in FORMATS:
        raise NerError(f"unknown format {form!r}", remedy=f"--from {', '.join(FORMATS)}")
    segment = _segmenter(to, pkuseg_model) if words else None
    skipped: Counter[str] = Counter()
    files = [
        path
        for path in find([source], recursive=True, skipped=skipped)
        if form != "brat" or (path and path.suffix == ".txt")
    ]
    if not files:
        say_skipped(skipped)
        raise NerError(
            "holds no file that is read",
            where=source,
            remedy="ner corpus convert --help has the forms",
        )
    dropped: Counter[str] = Counter()
    failed: list[Rejected] = []
    items = read(files, form=form, fields=field_names(field), dropped=dropped, skipped=skipped)
    items = _with_annotations(items, dropped)
    save(to, readable(progress(items, "converting"), failed), output, segment)
    say_dropped(dropped, "an article")
    say_skipped(skipped)
    if failed:
        raise typer.Exit(1)


def _with_annotations(items: "Iterator[Item]", dropped: Counter[str]) -> "Iterator[Item]":
    """Articles, as long as none has annotations that were not read: it would pass for one without names.

    Raises:
        NerError: one has.
    """
    from ner.formats import UNREAD

    for item in items:
        if unread := next((name for name in dropped if name.startswith(UNREAD)), ""):
            raise NerError(
                f"the {unread} are not read",
                where=item.where,
                remedy='write "spans": [[start, end, label], …], or export another form of it',
            )
        yield item


def _output_form(output: str, form: str) -> str:
    """The format to write: `form`, or if that is empty the one that the output's name asks for.

    Raises:
        NerError: it cannot be written, or the name asks for none.
    """
    from ner.formats import WRITABLE, WRITTEN_SUFFIXES

    named = {**WRITTEN_SUFFIXES, ".json": "label-studio", "": "brat"}
    form = form or ("jsonl" if output == "-" else named.get(Path(output).suffix.lower(), ""))
    if form not in WRITABLE:
        raise NerError(f"no format for {output}", remedy=f"--to {', '.join(WRITABLE)}")
    return form


def _segmenter(form: str, pkuseg_model: str) -> "Segment":
    from ner.formats import BY_WORDS
    from ner.words import load

    if form not in BY_WORDS:
        raise NerError(f"{form} has no tokens", remedy=f"--to {', '.join(BY_WORDS)}")
    return load(pkuseg_model)


@corpus.command()
def stats(
    files: Files,
    by: Annotated[
        list[str] | None,
        typer.Option(help="Also grouped by this field: paper, month, topic, …; repeatable."),
    ] = None,
) -> None:
    """Count articles, characters, spans by label, nested spans, quoted strings and brands among them.

    Example: `ner corpus stats data/annotations/*.jsonl --by topic`
    """
    from ner.cli import render
    from ner.cli.console import console
    from ner.corpus import entries, grouped, statistics, strict

    short = len({path.name for path in files}) == len(files)
    read = {path.name if short else str(path): list(strict(entries([path]))) for path in files}
    everything = [entry for group in read.values() for entry in group]
    rows = {
        name: statistics([entry.article for entry in group])
        for name, group in [*read.items(), ("all", everything)]
    }
    screen = console()
    screen.print(render.figures(_HEADINGS, _statistics_rows(rows)))
    for name in by or ():
        screen.print()
        found = grouped(everything, name)
        screen.print(render.figures((name, *_HEADINGS[1:]), _statistics_rows(found)))


_HEADINGS = (
    "file",
    "articles",
    "chars",
    "PER",
    "LOC",
    "ORG",
    "BRAND",
    "nested",
    "quoted",
    "brands",
)


def _statistics_rows(groups: "dict[str, Statistics]") -> list[list[str]]:
    return [
        [
            name or "–",
            str(found.articles),
            f"{found.characters:,}",
            *(str(found.labels[label]) for label in _HEADINGS[3:7]),
            str(found.nested),
            str(found.quoted),
            str(found.quoted_brands),
        ]
        for name, found in groups.items()
    ]


@corpus.command()
def check(
    files: Files,
    skip: Annotated[
        list[str] | None, typer.Option(help="A kind of finding to leave out; repeatable.")
    ] = None,
) -> None:
    """List likely mistakes: file, line, article, and the place in its context.

    Kinds: unreadable (also crossing spans), duplicate, near duplicate, boundary, unmarked mention,
    unmarked brand, labels differ. Exit status 1 if a line cannot be read or an article occurs twice.

    Example: `ner corpus check data/annotations/*.jsonl --skip "unmarked brand"`
    """
    from ner.corpus import FINDING_KINDS, entries
    from ner.corpus import check as findings

    if unknown := set(skip or ()) - set(FINDING_KINDS):
        raise NerError(
            f"unknown kind of finding {unknown.pop()!r}",
            remedy=f"one of {', '.join(FINDING_KINDS)}",
        )
    counts: Counter[str] = Counter()
    for finding in findings(entries(files)):
        if finding.kind not in (skip or ()):
            counts[finding.kind] += 1
            echo(str(finding))
    found = ", ".join(f"{counts[kind]} {kind}" for kind in FINDING_KINDS if counts[kind])
    say(found or "no findings")
    if counts["unreadable"] or counts["duplicate"]:
        raise typer.Exit(1)


@corpus.command()
def diff(
    a: Annotated[Path, typer.Argument(help="Annotated JSONL.", metavar="A")],
    b: Annotated[
        Path, typer.Argument(help="The same articles, by another annotator.", metavar="B")
    ],
    html: Annotated[
        Path | None, typer.Option(help="Write an HTML page of all disagreements side by side.")
    ] = None,
) -> None:
    """Compare two annotations of the same articles: strict F1, and Cohen's κ over characters.

    κ of a label compares which characters are in its spans; κ of all, which labels cover each character.

    Example: `ner corpus diff first.jsonl second.jsonl --html disagreements.html`
    """
    from ner.cli import render
    from ner.cli.console import console
    from ner.corpus import read
    from ner.evaluation.agreement import agreement, pair_articles

    both = pair_articles(read([a]), read([b]))
    _report_unpaired(both, str(a), str(b))
    found = agreement(both.pairs)
    rows = [
        (
            name,
            str(c.gold),
            str(c.predicted),
            str(c.right),
            f"{100 * c.f1:.1f}",
            f"{found.kappa[name]:.3f}",
        )
        for name, c in found.counts.items()
        if name in found.kappa
    ]
    console().print(render.figures(("label", "A", "B", "same", "F1", "κ"), rows))
    if html:
        from ner.evaluation.diff_page import diff_page

        page = diff_page(both.pairs, (str(a), str(b)), found)
        with writing(str(html)) as sink:
            sink.write(page)
        say(f"disagreements in {html}")


def _report_unpaired(both: "Pairs", a: str, b: str) -> None:
    """Name the articles that are left out of a comparison.

    Raises:
        NerError: no article is left.
    """
    for name, only in ((a, both.only_in_a), (b, both.only_in_b)):
        if only:
            say(f"{count(len(only), 'article')} only in {name}, for example {only[0]}")
    for article_id in both.other_text:
        say_error(f"{b}: article {article_id} has another text than in {a}; it is left out")
    if not both.pairs:
        raise NerError("no article in common", where=b, remedy="give the same ids and texts")
