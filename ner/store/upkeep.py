"""Looking after a store: what is in it, whether it is whole, making it small."""

from collections.abc import Iterator
from dataclasses import dataclass

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ner.store.articles import count_articles
from ner.store.database import reading, translate_errors
from ner.store.runs import ModelUse, list_models
from ner.store.schema import articles, metadata, quarantine, reviews, span_decisions, texts
from ner.store.versions import HEAD


@dataclass(frozen=True, slots=True)
class Info:
    """What a store holds.

    Args:
        schema: the version of its tables.
        size: bytes on the disk, without what SQLite has yet to move from its log.
        models: the last used first.
        quarantined: articles that a model could not tag, once for each such model.
        reviews: how often an article was read as a whole.
        decisions: how many there are on spans.
    """

    schema: str
    size: int
    articles: int
    models: tuple[ModelUse, ...]
    quarantined: int
    reviews: int
    decisions: int


def describe(connection: Connection) -> Info:
    """What a store holds."""

    def count(table: sa.Table, *conditions: sa.ColumnElement[bool]) -> int:
        query = sa.select(sa.func.count()).select_from(table).where(*conditions)
        return connection.scalar(query) or 0

    return Info(
        HEAD,
        size(connection),
        count_articles(connection),
        tuple(list_models(connection)),
        count(quarantine, quarantine.c.tries > 0),
        count(reviews, reviews.c.undoes.is_(None)),
        count(span_decisions, span_decisions.c.undoes.is_(None)),
    )


# A table with its indexes and long values, without PostgreSQL's maps of free space, which vacuuming makes.
_MAIN_FORKS = sa.text(
    "SELECT sum(pg_relation_size(part.oid)) FROM pg_class owner JOIN pg_class part"
    " ON part.oid IN (owner.oid, owner.reltoastrelid) OR part.oid IN"
    " (SELECT indexrelid FROM pg_index WHERE indrelid IN (owner.oid, owner.reltoastrelid))"
    " WHERE owner.oid = to_regclass(:name)"
)


def size(connection: Connection) -> int:
    """Bytes on the disk: the file, or what all our tables hold on a server."""
    if connection.dialect.name == "sqlite":
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages) * int(connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    total = sum(connection.scalar(_MAIN_FORKS, {"name": name}) or 0 for name in metadata.tables)
    return int(total)


def faults(connection: Connection) -> Iterator[str]:
    """What is wrong with the tables, as far as the database itself knows; nothing where all is well."""
    if connection.dialect.name == "sqlite":
        for (line,) in connection.exec_driver_sql("PRAGMA integrity_check"):
            if line != "ok":
                yield str(line)
        for row in connection.exec_driver_sql("PRAGMA foreign_key_check"):
            yield f"row {row[1]} of {row[0]} belongs to a row of {row[2]} that is not there"
    alone = sa.select(articles.c.id).where(
        ~sa.select(texts.c.article).where(texts.c.article == articles.c.number).exists()
    )
    for article_id in connection.scalars(alone):
        yield f"article {article_id} has no text"


def vacuum(engine: Engine) -> tuple[int, int]:
    """Give the disk back what is no longer used, and let the database learn what its tables hold.

    Returns:
        Bytes before and after.

    Raises:
        NerError: another program uses the database, or the disk is full.
    """
    before = reading(engine, size)
    with translate_errors(engine.url), engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            connection.exec_driver_sql("COMMIT")  # it is no part of a transaction
            optimize = "INSERT INTO texts_index (texts_index) VALUES ('optimize')"
            checkpoint = "PRAGMA wal_checkpoint(TRUNCATE)"
            for statement in (optimize, checkpoint, "VACUUM", "ANALYZE", checkpoint):
                connection.exec_driver_sql(statement)
            connection.exec_driver_sql("BEGIN")
        else:
            autocommit = connection.execution_options(isolation_level="AUTOCOMMIT")
            autocommit.exec_driver_sql(f"VACUUM (ANALYZE) {', '.join(metadata.tables)}")
    return before, reading(engine, size)
