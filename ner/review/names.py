"""A name across the store: how often it is marked, and in which sentences."""

import datetime
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from ner.article import Article
from ner.store import ModelKey, ReviewStore

CONTEXT = 22  # code points shown on either side
LISTED = 100  # articles shown


@dataclass(frozen=True, slots=True)
class Mention:
    """A place where a name is marked.

    Args:
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
        if not isinstance(article, Article):
            continue
        for span in article.spans:
            if article.surface(span) == name and label in ("", span.label):
                before = article.text[max(0, span.start - CONTEXT) : span.start]
                after = article.text[span.end : span.end + CONTEXT]
                yield Mention(
                    article.id,
                    article.title,
                    article.paper,
                    article.date,
                    span.label,
                    span.score,
                    _whole(before.rpartition("\n")[2]),
                    name,
                    after.partition("\n")[0],
                )


def _whole(text: str) -> str:
    """A text that does not begin with half of what is shown as one character."""
    while text and (unicodedata.combining(text[0]) or text[0] in "\u200d\ufe0f"):
        text = text[1:]
    return text
