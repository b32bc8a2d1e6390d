"""A name across the store: how often it is marked, and in which sentences."""

import datetime
from collections.abc import Iterator
from dataclasses import dataclass

from ner.article import Article
from ner.store import ModelKey, ReviewStore, around, occurrences

LISTED = 100  # articles shown


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a name stands.

    Args:
        label: empty where it is not marked.
        before: the text before it, on the same line.
        after: the text after it, on the same line.
    """

    article: str
    title: str
    paper: str
    date: datetime.date | None
    label: str
    score: float
    before: str
    name: str
    after: str


def mentions(
    store: ReviewStore, name: str, *, label: str = "", model: ModelKey | None = None
) -> Iterator[Mention]:
    """Where a name is marked, in the first `LISTED` articles that have it.

    Args:
        label: only where it is marked with this one; all if empty.
        model: whose spans; of each article those of the model that tagged it last, if None.
    """
    for article in store.articles(limit=LISTED, name=name, label=label, model=model):
        if isinstance(article, Article):
            for span in article.spans:
                if article.surface(span) == name and label in ("", span.label):
                    yield _mention(article, span.start, span.end, span.label, span.score)


def unmarked(
    store: ReviewStore, string: str, *, model: ModelKey | None = None
) -> Iterator[Mention]:
    """Where a string stands outside what is marked, in the first `LISTED` articles that hold it."""
    for article in store.articles(limit=LISTED, text=string, model=model):
        if isinstance(article, Article):
            for start, end in occurrences(article.text, string):
                if not any(span.start <= start and end <= span.end for span in article.spans):
                    yield _mention(article, start, end, "", 0.0)


def _mention(article: Article, start: int, end: int, label: str, score: float) -> Mention:
    before, after = around(article.text, start, end)
    place = (article.id, article.title, article.paper, article.date)
    return Mention(*place, label, score, before, article.text[start:end], after)
