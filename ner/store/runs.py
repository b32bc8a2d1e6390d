"""Models, their runs, and the spans they found. The ledger is written together with the spans."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store.failures import drop_solved, record_failures
from ner.store.schema import articles, insert, models, now, runs, spans, tagged


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
    """Note that a run came to its end."""
    connection.execute(runs.update().where(runs.c.number == run.number).values(finished_at=now()))


def write_results(
    connection: Connection, run: Run, results: Sequence[Article | Rejected]
) -> list[Article]:
    """Write the spans of tagged articles, their ledger rows, and what could not be tagged.

    The spans that this model found before are replaced. An article that was deleted, or whose text
    differs from the stored one, is left out.

    Returns:
        The articles whose spans were written.
    """
    written = []
    for article in sorted((r for r in results if isinstance(r, Article)), key=lambda a: a.id):
        number = connection.scalar(
            sa.select(articles.c.number).where(
                articles.c.id == article.id, articles.c.text_hash == article.text_hash
            )
        )
        if number is not None:
            _write_spans(connection, run, number, article)
            written.append(article)
    drop_solved(connection, [article.id for article in written])
    record_failures(connection, [r for r in results if isinstance(r, Rejected)])
    return written


def _write_spans(connection: Connection, run: Run, number: int, article: Article) -> None:
    key = {"article": number, "model": run.model}
    row = {"run": run.number, "at": now()}
    connection.execute(
        insert(connection, tagged)
        .values(**key, **row)
        .on_conflict_do_update(index_elements=["article", "model"], set_=row)
    )
    connection.execute(spans.delete().where(spans.c.article == number, spans.c.model == run.model))
    rows = [
        {
            **key,
            "run": run.number,
            "start": span.start,
            "end": span.end,
            "label": span.label,
            "surface": article.surface(span),
            "score": span.score,
        }
        for span in article.spans
    ]
    if rows:
        connection.execute(spans.insert(), rows)


def spans_of(
    connection: Connection, numbers: Iterable[int], model: ModelKey | None
) -> Mapping[int, list[SpanRow]]:
    """The spans of articles by number: those of `model`, or of the model that tagged each last."""
    query = (
        sa.select(spans, models.c.name, models.c.version)
        .join(models, models.c.number == spans.c.model)
        .where(spans.c.article.in_(numbers), by_model(model))
    )
    found: dict[int, list[SpanRow]] = {}
    for row in connection.execute(query):
        name = f"{row.name}-{row.version}"
        span = SpanRow(row.start, row.end, row.label, row.score, name)
        found.setdefault(row.article, []).append(span)
    return found


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


def by_model(model: ModelKey | None) -> sa.ColumnElement[bool]:
    """A condition on `spans`: found by `model`, or by the model that tagged the article last."""
    if model:
        return spans.c.model == model_number(model).scalar_subquery()
    last_run = sa.select(sa.func.max(tagged.c.run)).where(tagged.c.article == spans.c.article)
    return spans.c.run == last_run.scalar_subquery()


def tagged_by(model: ModelKey | None) -> sa.ColumnElement[bool]:
    """A condition on `articles`: tagged by `model`, or by any."""
    rows = sa.select(tagged.c.article).where(tagged.c.article == articles.c.number)
    if model:
        rows = rows.where(tagged.c.model == model_number(model).scalar_subquery())
    return rows.exists()


def model_number(model: ModelKey) -> sa.Select[Any]:
    """A query for a model's row."""
    return sa.select(models.c.number).where(
        models.c.name == model.name,
        models.c.version == model.version,
        models.c.hash == model.hash,
    )


def count_tagged(connection: Connection, model: ModelKey) -> int:
    """How many articles a model has tagged."""
    query = sa.select(sa.func.count()).select_from(tagged)
    return (
        connection.scalar(query.where(tagged.c.model == model_number(model).scalar_subquery())) or 0
    )


def list_models(connection: Connection) -> list[ModelUse]:
    """The models that have tagged something, the one that did so last first."""
    last = sa.func.max(tagged.c.run)
    query = (
        sa.select(models, sa.func.count().label("articles"), sa.func.max(tagged.c.at).label("at"))
        .join(tagged, tagged.c.model == models.c.number)
        .group_by(*models.c)
        .order_by(last.desc())
    )
    return [
        ModelUse(ModelKey(row.name, row.version, row.hash), row.articles, row.at)
        for row in connection.execute(query)
    ]
