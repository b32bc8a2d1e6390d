"""What our tables say of foreign articles: what was tagged, with which text, and what was found."""

import datetime
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.article import Article, Rejected
from ner.store import history
from ner.store.decisions import insert_row
from ner.store.foreign.rows import ForeignRow, id_text
from ner.store.foreign.schema import Tables
from ner.store.history import Counted
from ner.store.quarantine import MAX_TRIES, Quarantined
from ner.store.runs import ModelKey, ModelUse, Run, model_number
from ner.store.schema import now


class Known(NamedTuple):
    """What is known of an article.

    Args:
        text_hash: of the text that was tagged.
        changed: what the row's column `changed` held then.
        is_stale: it is to be tagged again all the same.
    """

    text_hash: str
    changed: str | None
    is_stale: bool = False


def number_of(connection: Connection, tables: Tables, model: ModelKey) -> int | None:
    """The number of a model in our tables, None if it has not tagged anything."""
    number: int | None = connection.scalar(model_number(model, tables.models))
    return number


def start_run(connection: Connection, tables: Tables, model: ModelKey) -> Run:
    """Add a run, and the model if it is new."""
    number = number_of(connection, tables, model)
    if number is None:
        key = {"name": model.name, "version": model.version, "hash": model.hash}
        number = insert_row(connection, tables.models, key)
    run = insert_row(connection, tables.runs, {"model": number, "started_at": now()})
    return Run(run, number)


def finish_run(connection: Connection, tables: Tables, run: Run) -> None:
    """Note that a run came to its end; one that has written nothing leaves no trace."""
    drop_run(connection, tables, run)
    mine = tables.runs.c.number == run.number
    connection.execute(tables.runs.update().where(mine).values(finished_at=now()))


def drop_run(connection: Connection, tables: Tables, run: Run) -> bool:
    """Forget a run that has written nothing; whether there is no other."""
    runs = tables.runs
    mine = runs.c.number == run.number
    connection.execute(runs.delete().where(mine, runs.c.articles == 0, runs.c.failed == 0))
    return not connection.scalar(sa.select(sa.func.count()).select_from(runs))


def tagged_before(
    connection: Connection, tables: Tables, model: ModelKey, keys: Sequence[Any]
) -> dict[Any, Known]:
    """What is known of those articles that a model has tagged."""
    rows = tables.tagged.c
    query = sa.select(rows.article, rows.text_hash, rows.changed, rows.is_stale)
    query = query.where(rows.model == number_of(connection, tables, model), rows.article.in_(keys))
    return {row.article: Known(*row[1:]) for row in connection.execute(query)}


def given_up(
    connection: Connection, tables: Tables, model: ModelKey, keys: Sequence[Any]
) -> dict[Any, Known]:
    """What is known of those articles that a model has tried often enough."""
    rows = tables.failures.c
    query = sa.select(rows.article, rows.text_hash).where(rows.tries >= MAX_TRIES)
    query = query.where(rows.model == number_of(connection, tables, model), rows.article.in_(keys))
    return {row.article: Known(row.text_hash, None) for row in connection.execute(query)}


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
    spans = {row.key: list(_spans(run, article, row)) for article, row in good}
    counted = [
        Counted(row.key, len(article.text), [span["label"] for span in spans[row.key]])
        for article, row in good
    ]
    history.record(connection, tables, run, counted, failed=len(bad))
    failed = _failures(connection, tables, run, bad, at)
    keys = [row.key for _, row in (*good, *bad)]
    for table in (tables.spans, tables.tagged, tables.failures):
        if keys:
            connection.execute(
                table.delete().where(table.c.article.in_(keys), table.c.model == run.model)
            )
    for table, new in (
        (tables.tagged, [_tagged(run, row, at) for _, row in good]),
        (tables.spans, [span for found in spans.values() for span in found]),
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
            **{"run": run.number, "why": item.why, "remedy": item.remedy},
            "tries": before.get((row.key, row.hash), 0) + 1,
        }
        for item, row in bad
    ]


def note_changed(
    connection: Connection, tables: Tables, model: ModelKey, changed: Mapping[Any, str | None]
) -> None:
    """Note what the column `changed` of articles holds, whose text is the one that was tagged.

    So they are not read again.
    """
    tagged = tables.tagged
    number = number_of(connection, tables, model)
    mine = sa.and_(tagged.c.model == number, tagged.c.article == sa.bindparam("key"))
    statement = tagged.update().where(mine).values(changed=sa.bindparam("new"))
    connection.execute(statement, [{"key": key, "new": new} for key, new in changed.items()])


def is_any_known(connection: Connection, tables: Tables, keys: Sequence[Any]) -> bool:
    """Whether any model has tagged one of these articles, or could not."""
    known = (sa.exists().where(t.c.article.in_(keys)) for t in (tables.tagged, tables.failures))
    return bool(connection.scalar(sa.select(sa.or_(*known))))


def forget(connection: Connection, tables: Tables, keys: Sequence[Any]) -> None:
    """Delete what any model found in articles, which have no text any more; what people said stays."""
    for table in (tables.spans, tables.tagged, tables.failures):
        connection.execute(table.delete().where(table.c.article.in_(keys)))


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
    connection: Connection, tables: Tables, model: ModelKey, keys: Sequence[Any]
) -> dict[Any, list[Any]]:
    """The spans that a model found, by article, as they are stored."""
    spans = tables.spans
    query = sa.select(spans).where(spans.c.article.in_(keys))
    query = query.where(spans.c.model == number_of(connection, tables, model))
    found: dict[Any, list[Any]] = {}
    for row in connection.execute(query):
        found.setdefault(row.article, []).append(row)
    return found


def quarantined(
    connection: Connection, tables: Tables, model: ModelKey | None = None
) -> list[Quarantined]:
    """What a model, or any, could not tag, oldest first."""
    failures, models = tables.failures, tables.models
    query = (
        sa.select(failures, models.c.name, models.c.version, models.c.hash)
        .join(models, models.c.number == failures.c.model)
        .where(failures.c.tries > 0)
        .order_by(failures.c.at, failures.c.article)
    )
    if model:
        query = query.where(failures.c.model == number_of(connection, tables, model))
    return [
        Quarantined(
            id_text(row.article), ModelKey(row.name, row.version, row.hash),
            row.run, row.tries, row.why, row.remedy, row.at,
        )
        for row in connection.execute(query)
    ]  # fmt: skip


def count_tried_enough(connection: Connection, tables: Tables, model: ModelKey) -> int:
    """How many articles a model has tried so often that it does so no more by itself."""
    failures = tables.failures
    query = sa.select(sa.func.count()).select_from(failures).where(failures.c.tries >= MAX_TRIES)
    query = query.where(failures.c.model == number_of(connection, tables, model))
    return connection.scalar(query) or 0


def retry_failed(connection: Connection, tables: Tables, model: ModelKey) -> int:
    """Have all articles that a model could not tag tried again, however often they were; how many."""
    failed = tables.failures.c.model == number_of(connection, tables, model)
    query = tables.failures.update().where(failed).values(tries=0, run=None)
    return connection.execute(query).rowcount


def tag_again(connection: Connection, tables: Tables, model: ModelKey) -> None:
    """Have a model tag all articles again. Until it has, each keeps the spans that it has."""
    tagged, failures = tables.tagged, tables.failures
    number = number_of(connection, tables, model)
    connection.execute(tagged.update().where(tagged.c.model == number).values(is_stale=True))
    connection.execute(failures.delete().where(failures.c.model == number))
