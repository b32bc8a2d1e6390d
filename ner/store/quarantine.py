"""Articles that a model could not tag: why, by which run, how often. Tried again until it is enough."""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Rejected
from ner.store.failures import storable
from ner.store.runs import ModelKey, Run, model_number, untagged
from ner.store.schema import articles, claims, insert, models, now, quarantine

MAX_TRIES = 5  # of an article by a model, until somebody asks for it to be tried again


@dataclass(frozen=True, slots=True)
class Quarantined:
    """An article that a model could not tag.

    Args:
        run: the number of the run that tried last; None where its text was mended since.
        tries: how often it was tried; after `MAX_TRIES` no more.
        at: when it failed first.
    """

    id: str
    model: ModelKey
    run: int | None
    tries: int
    why: str
    remedy: str
    at: datetime.datetime

    def to_rejected(self) -> Rejected:
        """The same as what a run gives in the place of the article."""
        return Rejected(self.id, f"article {self.id}", self.why, self.remedy)


def record(connection: Connection, run: Run, items: Sequence[tuple[int, Rejected]]) -> None:
    """Keep articles, by number, that a run could not tag. A try that was counted when it began stays one."""
    if not items:
        return
    fixed = {"model": run.model, "run": run.number, "tries": 1, "at": now()}
    rows = [
        {**fixed, "article": number, "why": storable(item.why), "remedy": storable(item.remedy)}
        for number, item in sorted(items, key=lambda pair: pair[0])
    ]
    added = insert(connection, quarantine)
    new = {name: added.excluded[name] for name in ("run", "why", "remedy")}
    tries = sa.case((quarantine.c.tries == 0, 1), else_=quarantine.c.tries)
    added = added.on_conflict_do_update(
        index_elements=["article", "model"], set_={**new, "tries": tries}
    )
    connection.execute(added, rows)


def set_aside(connection: Connection, claim: Any, why: str, *, tries: int) -> None:
    """End a claim, a row of `claims`; what of it is untagged waits to be tried again.

    Args:
        tries: 1 where it counts as a try, 0 where it does not.
    """
    held = sa.and_(
        quarantine.c.article.between(claim.first, claim.last), quarantine.c.model == claim.model
    )
    if not tries:  # of an article that was being tried again the try is given back
        given_back = {"tries": quarantine.c.tries - 1, "run": None}
        counted = sa.and_(held, quarantine.c.run == claim.run, quarantine.c.tries > 0)
        connection.execute(quarantine.update().where(counted).values(given_back))
    rest = sa.select(
        articles.c.number,
        sa.literal(claim.model),
        sa.literal(claim.run if tries else None, sa.BigInteger),
        sa.literal(tries),
        sa.literal(why),
        sa.literal("it is tried again by itself: ner tag"),
        sa.literal(now(), quarantine.c.at.type),
    ).where(
        untagged(claim.model, claim.first, claim.last),
        ~is_set_aside(claim.model),
    )
    names = ["article", "model", "run", "tries", "why", "remedy", "at"]
    connection.execute(quarantine.insert().from_select(names, rest))
    connection.execute(claims.delete().where(claims.c.number == claim.number))


def next_to_retry(connection: Connection, run: Run) -> tuple[int, int] | None:
    """The number of an article to try again, as a stretch; the try is counted now, whatever comes of it.

    Not one that this run has tried, that somebody has in hand, or that was tried often enough.
    """
    held = sa.select(claims.c.number).where(
        claims.c.model == run.model,
        claims.c.first <= quarantine.c.article,
        claims.c.last >= quarantine.c.article,
    )
    query = sa.select(quarantine.c.article).where(
        quarantine.c.model == run.model,
        quarantine.c.tries < MAX_TRIES,
        sa.or_(quarantine.c.run.is_(None), quarantine.c.run != run.number),
        ~held.exists(),
    )
    number = connection.scalar(query.order_by(quarantine.c.tries, quarantine.c.article).limit(1))
    if number is None:
        return None
    row = quarantine.update().where(quarantine.c.article == number, quarantine.c.model == run.model)
    connection.execute(row.values(tries=quarantine.c.tries + 1, run=run.number))
    return number, number


def drop(connection: Connection, run: Run, numbers: Sequence[int]) -> None:
    """Forget articles, by number, that the model of a run has tagged by now."""
    which = sa.and_(quarantine.c.article.in_(numbers), quarantine.c.model == run.model)
    connection.execute(quarantine.delete().where(which))


def count_tried_enough(connection: Connection, model: ModelKey) -> int:
    """How many articles a model has tried so often that it does so no more by itself."""
    number = model_number(model).scalar_subquery()
    query = sa.select(sa.func.count()).select_from(quarantine)
    query = query.where(quarantine.c.model == number, quarantine.c.tries >= MAX_TRIES)
    return connection.scalar(query) or 0


def forgive(connection: Connection, article: int) -> None:
    """Have an article, by its number, tried again by every model, however often it was."""
    row = quarantine.update().where(quarantine.c.article == article)
    connection.execute(row.values(tries=0, run=None))


def retry_failed(connection: Connection, model: ModelKey) -> int:
    """Have all articles that a model could not tag tried again, however often they were; how many."""
    number = model_number(model).scalar_subquery()
    row = quarantine.update().where(quarantine.c.model == number)
    return connection.execute(row.values(tries=0, run=None)).rowcount


def quarantined(connection: Connection, model: ModelKey | None = None) -> list[Quarantined]:
    """The articles that a model, or any, could not tag, in the order they were added."""
    query = (
        sa.select(quarantine, articles.c.id, models.c.name, models.c.version, models.c.hash)
        .join(articles, articles.c.number == quarantine.c.article)
        .join(models, models.c.number == quarantine.c.model)
        .where(quarantine.c.tries > 0)
        .order_by(quarantine.c.article, quarantine.c.model)
    )
    if model:
        query = query.where(quarantine.c.model == model_number(model).scalar_subquery())
    return [_quarantined(row) for row in connection.execute(query)]


def is_set_aside(model: int) -> sa.ColumnElement[bool]:
    """A condition on `articles`: in the quarantine of a model, by its number."""
    rows = sa.select(quarantine.c.article)
    return rows.where(
        quarantine.c.article == articles.c.number, quarantine.c.model == model
    ).exists()


def _quarantined(row: Any) -> Quarantined:
    key = ModelKey(row.name, row.version, row.hash)
    return Quarantined(row.id, key, row.run, row.tries, row.why, row.remedy, row.at)
