"""What our tables say of foreign articles: what was tagged, with which text, and what was found."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store.foreign.rows import ForeignRow
from ner.store.foreign.schema import Tables
from ner.store.runs import ModelKey, ModelUse, Run
from ner.store.schema import now

MAX_TRIES = 3  # of an article that cannot be tagged, until its text changes


class Known(NamedTuple):
    """What is known of an article: the hash of the text that was tagged, and the row's `changed` then."""

    text_hash: str
    changed: str | None


def model_number(connection: Connection, tables: Tables, model: ModelKey) -> int | None:
    """The number of a model in our tables, None if it has not tagged anything."""
    columns = tables.models.c
    query = sa.select(columns.number).where(
        columns.name == model.name, columns.version == model.version, columns.hash == model.hash
    )
    return connection.scalar(query)


def start_run(connection: Connection, tables: Tables, model: ModelKey) -> Run:
    """Add a run, and the model if it is new."""
    number = model_number(connection, tables, model)
    if number is None:
        number = _insert(
            connection, tables.models, name=model.name, version=model.version, hash=model.hash
        )
    return Run(_insert(connection, tables.runs, model=number, started_at=now()), number)


def _insert(connection: Connection, table: sa.Table, **values: Any) -> int:
    """Add a row; its number."""
    key = connection.execute(table.insert().values(values)).inserted_primary_key
    assert key  # the table has a number
    return int(key[0])


def finish_run(connection: Connection, tables: Tables, run: Run) -> None:
    """Note that a run came to its end."""
    rows = tables.runs
    connection.execute(rows.update().where(rows.c.number == run.number).values(finished_at=now()))


def known(
    connection: Connection, tables: Tables, model: int, keys: Sequence[Any]
) -> dict[Any, Known]:
    """What is known of articles that need not be tagged unless they changed."""
    tagged, failures = tables.tagged, tables.failures
    query = sa.select(failures.c.article, failures.c.text_hash).where(
        failures.c.model == model, failures.c.article.in_(keys), failures.c.tries >= MAX_TRIES
    )
    found = {row.article: Known(row.text_hash, None) for row in connection.execute(query)}
    query = sa.select(tagged.c.article, tagged.c.text_hash, tagged.c.changed).where(
        tagged.c.model == model, tagged.c.article.in_(keys)
    )
    tagged_before = {
        row.article: Known(row.text_hash, row.changed) for row in connection.execute(query)
    }
    return tagged_before | found


def write(
    connection: Connection,
    tables: Tables,
    run: Run,
    results: Iterable[Article | Rejected],
    rows: Mapping[str, ForeignRow],
) -> None:
    """Write the spans and ledger of articles, and what could not be tagged.

    An article whose row was deleted or changed since it was read is left out: the next run tags it. So is
    a span over the end of a title, which is in neither column.
    """
    at = now()
    good: list[tuple[Article, ForeignRow]] = []
    bad: list[tuple[Rejected, ForeignRow]] = []
    for item in results:
        row = rows.get(item.id)
        if row and isinstance(item, Rejected):
            bad.append((item, row))
        elif row and isinstance(item, Article) and row.hash == item.text_hash:
            good.append((item, row))
    failed = _failures(connection, tables, run, bad, at)
    keys = [row.key for _, row in (*good, *bad)]
    for table in (tables.spans, tables.tagged, tables.failures):
        if keys:
            connection.execute(
                table.delete().where(table.c.article.in_(keys), table.c.model == run.model)
            )
    for table, new in (
        (tables.tagged, [_tagged(run, row, at) for _, row in good]),
        (tables.spans, [s for article, row in good for s in _spans(run, article, row)]),
        (tables.failures, failed),
    ):
        if new:
            connection.execute(table.insert(), new)


def _tagged(run: Run, row: ForeignRow, at: datetime.datetime) -> dict[str, Any]:
    key = {"article": row.key, "model": run.model, "run": run.number}
    return {**key, "text_hash": row.hash, "changed": row.changed, "at": at}


def _spans(run: Run, article: Article, row: ForeignRow) -> Iterable[dict[str, Any]]:
    for span in article.spans:
        if found := row.place(span):
            field, start, end = found
            yield {
                **{"article": row.key, "model": run.model, "field": field, "start_char": start},
                **{"end_char": end, "label": span.label, "name": article.surface(span)},
                "score": span.score,
            }


def _failures(
    connection: Connection,
    tables: Tables,
    run: Run,
    bad: Sequence[tuple[Rejected, ForeignRow]],
    at: datetime.datetime,
) -> list[dict[str, Any]]:
    """Rows for what failed, with how often it did so with the same text."""
    columns = tables.failures.c
    query = sa.select(columns.article, columns.text_hash, columns.tries).where(
        columns.model == run.model, columns.article.in_([row.key for _, row in bad])
    )
    before = {
        (row.article, row.text_hash): row.tries
        for row in (connection.execute(query) if bad else ())
    }
    return [
        {
            **{"article": row.key, "model": run.model, "text_hash": row.hash, "at": at},
            **{"why": item.why, "remedy": item.remedy},
            "tries": before.get((row.key, row.hash), 0) + 1,
        }
        for item, row in bad
    ]


def list_models(connection: Connection, tables: Tables) -> list[ModelUse]:
    """The models that have tagged something, the one that did so last first."""
    models, tagged = tables.models, tables.tagged
    query = (
        sa.select(
            models.c.name,
            models.c.version,
            models.c.hash,
            sa.func.count().label("articles"),
            sa.func.max(tagged.c.at).label("at"),
        )
        .join(tagged, tagged.c.model == models.c.number)
        .group_by(models.c.number, models.c.name, models.c.version, models.c.hash)
        .order_by(sa.func.max(tagged.c.run).desc())
    )
    return [
        ModelUse(ModelKey(row.name, row.version, row.hash), row.articles, row.at)
        for row in connection.execute(query)
    ]


def spans_of(
    connection: Connection, tables: Tables, model: int, keys: Sequence[Any]
) -> dict[Any, list[Any]]:
    """The spans that a model found, by article, as they are stored."""
    spans = tables.spans
    query = sa.select(spans).where(spans.c.model == model, spans.c.article.in_(keys))
    found: dict[Any, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.article, []).append(row)
    return found


def list_failures(connection: Connection, tables: Tables) -> list[Rejected]:
    """What could not be tagged, oldest first."""
    rows = connection.execute(sa.select(tables.failures).order_by(tables.failures.c.at))
    return [
        Rejected(str(row.article), f"article {row.article}", row.why, row.remedy) for row in rows
    ]
