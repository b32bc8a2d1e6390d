"""Names that stand in the newest articles and in no earlier one."""

import datetime
from collections import Counter
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.runs import ModelKey, by_model
from ner.store.schema import articles, chunks, spans
from ner.store.verdicts import is_kept

RECENT = datetime.timedelta(days=30)
"""How new the articles are, counted from the newest of the store."""
_EXAMINED = 2_000  # names that are looked for in earlier articles, at most


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
    connection: Connection, label: str, *, model: ModelKey | None = None, limit: int = 50
) -> list[NewName]:
    """Names that stand in articles of the last `RECENT` days and in no earlier one, the most frequent first.

    Of those in the most articles `_EXAMINED` are looked for in earlier ones.

    Args:
        model: whose spans; of each article those of the model that tagged it last, if None.
    """
    newest = connection.scalar(sa.select(sa.func.max(articles.c.date)))
    if newest is None:
        return []
    since = newest - RECENT
    found = _recent(connection, since, label, model)
    found.sort(key=lambda name: (-name.articles, -name.first.toordinal(), name.text))
    new: list[NewName] = []
    for part in chunks(found[:_EXAMINED], 50):
        earlier = sa.select(*(_stands_earlier(name.text, label, since) for name in part))
        known = connection.execute(earlier).one()
        new += [name for name, is_known in zip(part, known, strict=True) if not is_known]
        if len(new) >= limit:
            break
    return new[:limit]


def _recent(
    connection: Connection, since: datetime.date, label: str, model: ModelKey | None
) -> list[NewName]:
    """The names of a label in the articles after a day: by the articles, of which there are few."""
    query = sa.select(articles.c.number, articles.c.date).where(articles.c.date > since)
    dates = {row.number: row.date for row in connection.execute(query)}
    many: Counter[str] = Counter()
    first: dict[str, datetime.date] = {}
    for part in chunks(sorted(dates)):
        names = (
            sa.select(spans.c.surface, spans.c.article)
            .where(spans.c.article.in_(part), spans.c.label == label)
            .where(by_model(model), is_kept())
            .distinct()
        )
        for row in connection.execute(names):
            many[row.surface] += 1
            date = dates[row.article]
            first[row.surface] = min(first.get(row.surface, date), date)
    return [NewName(name, many[name], first[name]) for name in many]


def _stands_earlier(name: str, label: str, since: datetime.date) -> sa.ColumnElement[bool]:
    rows = sa.select(sa.literal(1)).select_from(
        spans.join(articles, articles.c.number == spans.c.article)
    )
    rows = rows.where(spans.c.surface == name, spans.c.label == label, is_kept())
    return rows.where(sa.or_(articles.c.date <= since, articles.c.date.is_(None))).exists()
