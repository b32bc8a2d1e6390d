"""Articles that people read as a whole: which, when, and what was found and decided there, without texts."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store import decisions
from ner.store.runs import ModelKey, SpanRow, spans_of
from ner.store.schema import articles, chunks, queue_articles, queues, reviews
from ner.store.verdicts import counts


@dataclass(frozen=True, slots=True)
class Judged:
    """An article that was read as a whole.

    Args:
        at: when, the last time.
        found: the spans of the model.
        right: the spans that people called right.
    """

    at: datetime.datetime
    found: list[SpanRow]
    right: list[SpanRow]


def read_articles(connection: Connection, kind: str = "") -> dict[int, datetime.datetime]:
    """The primary keys of the articles that were read as a whole, sorted, with when that was last.

    Args:
        kind: only those in a queue of this kind; all if empty.
    """
    query = (
        sa.select(reviews.c.article, sa.func.max(reviews.c.at))
        # From the reviews to the articles, of which there are far more: no index serves the other way.
        .join(articles, articles.c.number == reviews.c.article + 0)
        .where(reviews.c.text_hash == articles.c.text_hash, counts(reviews))
        .group_by(reviews.c.article)
        .order_by(reviews.c.article)
    )
    if kind:
        in_queue = (
            sa.select(queue_articles.c.article)
            .join(queues, queues.c.number == queue_articles.c.queue)
            .where(queues.c.kind == kind)
        )
        query = query.where(reviews.c.article.in_(in_queue))
    return {number: at for number, at in connection.execute(query)}


def judged(connection: Connection, kind: str = "", model: ModelKey | None = None) -> list[Judged]:
    """What was found and decided in the articles of `read_articles`, without their texts."""
    read = read_articles(connection, kind)
    every = []
    for chunk in chunks(list(read)):
        found = spans_of(connection, chunk, model)
        right = decisions.right_spans(connection, chunk)
        for number in chunk:
            every.append(Judged(read[number], found.get(number, []), right.get(number, [])))
    return every
