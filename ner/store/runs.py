"""Models, their runs, and the spans they found."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.schema import articles, insert, models, now, quarantine, runs, spans, tagged


@dataclass(frozen=True, slots=True)
class ModelKey:
    """What identifies a model: the same name and version with other bytes is another model."""

    name: str
    version: str
    hash: str

    def __str__(self) -> str:
        return f"{self.name}-{self.version}"


@dataclass(frozen=True, slots=True)
class ModelUse:
    """A model that has tagged articles of the store.

    Args:
        articles: how many.
        last_used: when it tagged one last.
    """

    key: ModelKey
    articles: int
    last_used: datetime.datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One pass of a model over the store; numbers of the tables `runs` and `models`."""

    number: int
    model: int


class SpanRow(NamedTuple):
    """A span as the database holds it, not checked yet."""

    start: int
    end: int
    label: str
    score: float
    model: str


def start_run(connection: Connection, model: ModelKey) -> Run:
    """Add a run, and the model if it is new."""
    connection.execute(
        insert(connection, models)
        .values(name=model.name, version=model.version, hash=model.hash)
        .on_conflict_do_nothing()
    )
    number = connection.scalar(model_number(model))
    run = connection.scalar(
        runs.insert().values(model=number, started_at=now()).returning(runs.c.number)
    )
    assert run is not None and number is not None  # both were just written
    return Run(run, number)


def finish_run(connection: Connection, run: Run) -> None:
    """Note that a run came to its end; one that has tried nothing leaves no trace."""
    mine = runs.c.number == run.number
    tried = sa.select(quarantine.c.article).where(quarantine.c.run == run.number).exists()
    connection.execute(runs.delete().where(mine, runs.c.articles == 0, runs.c.failed == 0, ~tried))
    connection.execute(runs.update().where(mine).values(finished_at=now()))


def spans_of(
    connection: Connection, numbers: Iterable[int], model: ModelKey | None
) -> Mapping[int, list[SpanRow]]:
    """The spans of articles by number: those of `model`, or of the model that tagged each last."""
    found: dict[int, list[SpanRow]] = {}
    for row in connection.execute(_spans_of(model), {"numbers": list(numbers)}):
        name = f"{row.name}-{row.version}"
        span = SpanRow(row.start, row.end, row.label, row.score, name)
        found.setdefault(row.article, []).append(span)
    return found


@cache
def _spans_of(model: ModelKey | None) -> sa.Select[Any]:
    return (
        sa.select(spans, models.c.name, models.c.version)
        .join(models, models.c.number == spans.c.model)
        .where(spans.c.article.in_(sa.bindparam("numbers", expanding=True)), by_model(model))
    )


def taggers_of(
    connection: Connection, numbers: Iterable[int], model: ModelKey | None
) -> dict[int, str]:
    """For articles by number: `model`, if it has tagged them, or the model that tagged each last."""
    rows = connection.execute(_taggers_of(model), {"numbers": list(numbers)})
    return {row.article: f"{row.name}-{row.version}" for row in rows}


@cache
def _taggers_of(model: ModelKey | None) -> sa.Select[Any]:
    query = (
        sa.select(tagged.c.article, models.c.name, models.c.version)
        .join(models, models.c.number == tagged.c.model)
        .where(tagged.c.article.in_(sa.bindparam("numbers", expanding=True)))
    )
    if model:
        return query.where(tagged.c.model == model_number(model).scalar_subquery())
    later = tagged.alias()
    last_run = sa.select(sa.func.max(later.c.run)).where(later.c.article == tagged.c.article)
    return query.where(tagged.c.run == last_run.scalar_subquery())


def count_labels(
    connection: Connection, numbers: Iterable[int], model: ModelKey | None
) -> Mapping[int, dict[str, int]]:
    """For articles by number: label to how many spans the model found."""
    query = (
        sa.select(spans.c.article, spans.c.label, sa.func.count().label("found"))
        .where(spans.c.article.in_(numbers), by_model(model))
        .group_by(spans.c.article, spans.c.label)
        .order_by(spans.c.label)
    )
    counts: dict[int, dict[str, int]] = {}
    for row in connection.execute(query):
        counts.setdefault(row.article, {})[row.label] = row.found
    return counts


@cache
def by_model(model: ModelKey | None) -> sa.ColumnElement[bool]:
    """A condition on `spans`: found by `model`, or by the model that tagged the article last.

    It is one that no index serves: SQLite would take that of the model, which gives millions of spans,
    before those of the article or the name, which give a few.
    """
    if model:
        return spans.c.model + 0 == model_number(model).scalar_subquery()
    last_run = sa.select(sa.func.max(tagged.c.run)).where(tagged.c.article == spans.c.article)
    return spans.c.run == last_run.scalar_subquery()


def tagged_by(model: ModelKey | None) -> sa.ColumnElement[bool]:
    """A condition on `articles`: tagged by `model`, or by any."""
    rows = sa.select(tagged.c.article).where(tagged.c.article == articles.c.number)
    if model:
        rows = rows.where(tagged.c.model == model_number(model).scalar_subquery())
    return rows.exists()


def untagged(model: int, first: int, last: int | None = None) -> sa.ColumnElement[bool]:
    """A condition on `articles`: from one number to another, both included, and not tagged by a model.

    The ledger is held to the same numbers, and to no index of the model: PostgreSQL would join all that the
    model has tagged before them.
    """

    def is_between(number: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
        return number >= first if last is None else number.between(first, last)

    rows = sa.select(tagged.c.article).where(
        tagged.c.article == articles.c.number,
        is_between(tagged.c.article),
        tagged.c.model + 0 == model,
    )
    return sa.and_(is_between(articles.c.number), ~rows.exists())


@lru_cache(maxsize=100)
def model_number(model: ModelKey, table: sa.Table = models) -> sa.Select[Any]:
    """A query for a model's row."""
    columns = table.c
    return sa.select(columns.number).where(
        columns.name == model.name, columns.version == model.version, columns.hash == model.hash
    )


def latest_models(connection: Connection) -> list[ModelKey]:
    """The models that have tagged something, the one that did so last first; by an index."""
    return [ModelKey(row.name, row.version, row.hash) for row in _latest(connection)]


def labels_of_models(connection: Connection, model: ModelKey | None) -> list[tuple[int, str]]:
    """The numbers of models with each label that they have found something of; by an index.

    Args:
        model: only of this one; of all that have tagged something, if None.
    """
    found = []
    for row in _latest(connection):
        if model in (None, ModelKey(row.name, row.version, row.hash)):
            label = ""
            later = sa.select(sa.func.min(spans.c.label)).where(spans.c.model == row.number)
            while label := connection.scalar(later.where(spans.c.label > label)) or "":
                found.append((row.number, label))
    return found


def list_models(connection: Connection) -> list[ModelUse]:
    """The same with how many articles each tagged, which are counted, and when it did so last."""
    uses = []
    for row in _latest(connection):
        of_model = tagged.c.model == row.number
        count = sa.select(sa.func.count()).select_from(tagged).where(of_model)
        last = sa.select(sa.func.max(tagged.c.at)).where(of_model, tagged.c.run == row.run)
        at = connection.scalar(last)
        assert at is not None  # a row of that run was just found
        key = ModelKey(row.name, row.version, row.hash)
        uses.append(ModelUse(key, connection.scalar(count) or 0, at))
    return uses


def _latest(connection: Connection) -> Sequence[Any]:
    """The rows of models, each with the last run of which something stands."""
    rows = connection.execute(_last_runs()).all()
    return sorted((row for row in rows if row.run), key=lambda row: row.run, reverse=True)


@cache
def _last_runs() -> sa.Select[Any]:
    last = sa.select(sa.func.max(tagged.c.run)).where(tagged.c.model == models.c.number)
    return sa.select(models, last.scalar_subquery().label("run"))
