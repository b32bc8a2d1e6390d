"""`ner report`: a run, or a review sample, as a page or a PDF for others."""

from pathlib import Path
from typing import Annotated

import typer

from ner.cli.app import DEFAULT_STORE, StoreUrl, app
from ner.cli.terminal import needing, say, writing_bytes
from ner.errors import NerError


@app.command()
def report(
    store: StoreUrl = DEFAULT_STORE,
    run: Annotated[
        int | None, typer.Option(min=1, help="A run's number (`ner runs`); the newest if omitted.")
    ] = None,
    queue: Annotated[
        int | None,
        typer.Option(
            min=1, help="A review sample instead: the number of its queue in `ner review`."
        ),
    ] = None,
    output: Annotated[
        str,
        typer.Option(
            "--output",
            "-o",
            help="A file: .html, or .pdf of a sample; - for standard output.",
        ),
    ] = "report.html",
    articles: Annotated[
        int, typer.Option(min=0, help="How many articles of a run are shown whole.")
    ] = 10,
    language: Annotated[str, typer.Option(help="zh or en.")] = "zh",
) -> None:
    """Write what a run found, or how good a review sample says the tagger is, as one file for mail.

    A run: articles and spans by label, new brands and places, the spans with the lowest scores, some articles
    with their spans marked. A sample: precision and recall by label with intervals, agreement of reviewers,
    examples of errors; as HTML or as PDF.

    Example: `ner report --output run.html`

    Example: `ner report --queue 1 --output sample.pdf`
    """
    from ner.report.run import run_page
    from ner.report.texts import LANGUAGES
    from ner.store import ReviewStore

    if language not in LANGUAGES:
        raise NerError(f"no language {language!r}", remedy=f"one of {', '.join(LANGUAGES)}")
    pdf = Path(output).suffix.lower() == ".pdf"
    if pdf and queue is None:
        raise NerError(
            "a run's report is HTML", where=output, remedy="--output report.html, or --queue"
        )
    with ReviewStore(store) as opened:
        if queue is None:
            made = run_page(opened, run, articles=articles, language=language).encode()
        else:
            from ner.report.sample import sample_page, sample_pdf, sample_report

            found = sample_report(opened, queue)
            with needing("review"):
                made = sample_pdf(found, language) if pdf else sample_page(found, language).encode()
    with writing_bytes(output) as file:
        file.write(made)
    if output != "-":
        say(f"{output}: {len(made) / 1e3:,.0f} kB")
