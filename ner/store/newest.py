"""Names that stand in the newest articles and in no earlier one."""

import datetime
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.runs import ModelKey, by_model
from ner.store.schema import articles, spans

RECENT = datetime.timedelta(days=30)
"""How new the articles are, counted from the newest of the store."""


@dataclass(frozen=True, slots=True)
class NewName:
    """A string that stands for the first time in a recent article.

    Args:
        articles: how many have it.
        first: the date of the earliest.
    """

    text: str
    articles: int
    first: datetime.date


def new_names(
    connection: Connection, label: str, model: ModelKey | None, limit: int
) -> list[NewName]:
    """The new names of a label, those in the most articles first.

    Args:
        model: whose spans; of each article those of the model that tagged it last, if None.
    """
    newest = connection.scalar(sa.select(sa.func.max(articles.c.date)))
    if newest is None:
        return []
    since = newest - RECENT
    many = sa.func.count(spans.c.article.distinct()).label("many")
    recent = (
        sa.select(spans.c.surface, many, sa.func.min(articles.c.date).label("first"))
        .join(articles, articles.c.number == spans.c.article)
        .where(articles.c.date > since, spans.c.label == label, by_model(model))
        .group_by(spans.c.surface)
        .subquery()
    )
    earlier = (
        sa.select(sa.literal(1))
        .select_from(spans.join(articles, articles.c.number == spans.c.article))
        .where(spans.c.surface == recent.c.surface, spans.c.label == label)
        .where(sa.or_(articles.c.date <= since, articles.c.date.is_(None)))
    )
    query = (
        sa.select(recent)
        .where(~earlier.exists())
        .order_by(recent.c.many.desc(), recent.c.first.desc(), recent.c.surface)
    )
    return [NewName(*row) for row in connection.execute(query.limit(limit))]
