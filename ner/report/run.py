"""A run as one page that needs nothing else, for mail."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ner.article import Article
from ner.errors import NerError
from ner.evaluation.pages import environment
from ner.labels import STYLES, ordered
from ner.report.draw import as_html, window
from ner.report.texts import texts
from ner.segments import paragraphs
from ner.store import UNSURE, ModelKey, RunSummary, Store, UnsureSpan

NAMES = 20  # of a label
LEAST_CERTAIN = 20
ARTICLES = 10
NAMED = ("BRAND", "LOC")  # labels whose new names are listed


@dataclass(frozen=True, slots=True)
class Passage:
    """A span where it stands."""

    span: UnsureSpan
    text: Markup


def run_page(
    store: Store, number: int | None = None, *, articles: int = ARTICLES, language: str = "zh"
) -> str:
    """HTML of what a run found: figures by label, new names, what is least certain, some articles.

    Args:
        number: of the run; the newest that tagged something, if None.
        articles: how many are shown whole.
        language: one of `LANGUAGES`.

    Raises:
        NerError: there is no such run.
    """
    run = store.run(number) if number is not None else _newest(store)
    shown = _articles(store, store.run_sample(run, articles), run.model)
    unsure = store.least_certain(run, LEAST_CERTAIN)
    rows = {row.label: row for row in store.run_labels(run)}
    return (
        environment("ner.report")
        .get_template("run.html")
        .render(
            t=texts(language),
            language=language,
            today=datetime.date.today(),
            run=run,
            rows=[rows[label] for label in ordered(rows) if label in rows],
            names={label: store.run_names(run, label, NAMES) for label in NAMED},
            limit=UNSURE,
            styles=STYLES,
            passages=list(_passages(store, unsure, run.model)),
            articles=[(article, list(_paragraphs(article))) for article in shown],
        )
    )


def _newest(store: Store) -> RunSummary:
    for run in store.runs():
        if run.articles:
            return run
    raise NerError("nothing was tagged yet", remedy="ner tag")


def _articles(store: Store, ids: Sequence[str], model: ModelKey) -> Iterator[Article]:
    """Articles with the spans of a model; what is damaged is left out: `ner store check` tells."""
    if ids:
        found = store.articles(ids=ids, model=model, as_tagged=True)
        yield from (item for item in found if isinstance(item, Article))


def _passages(store: Store, spans: Sequence[UnsureSpan], model: ModelKey) -> Iterator[Passage]:
    ids = list(dict.fromkeys(span.article for span in spans))
    articles = {article.id: article for article in _articles(store, ids, model)}
    for span in spans:
        if article := articles.get(span.article):
            about = [
                each
                for each in article.spans
                if (each.start, each.end, each.label) == (span.start, span.end, span.label)
            ]
            shown = window(article.text, span.start, span.end)
            yield Passage(span, as_html(article.text, article.spans, shown, about))


def _paragraphs(article: Article) -> Iterator[tuple[bool, Markup]]:
    """Whether it is the title, and the text with its spans."""
    for start, end, spans in paragraphs(article):
        yield end < article.body_start, as_html(article.text, spans, (start, end))
