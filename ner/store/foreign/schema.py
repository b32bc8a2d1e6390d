"""Our tables beside a foreign article table, and the view by which others join them.

Offsets in them are code points into their columns, half-open: of the column that `field` names, ``title``
or ``body``.
"""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Dialect, Engine

from ner.errors import NerError
from ner.store.foreign.config import SpansConfig
from ner.store.foreign.database import exists, in_transaction, reading
from ner.store.urls import safe_url

VIEW = "article_spans"


@dataclass(frozen=True, slots=True)
class Tables:
    """Our tables, under their names in one database."""

    models: sa.Table
    runs: sa.Table
    tagged: sa.Table
    spans: sa.Table
    decisions: sa.Table
    failures: sa.Table
    view: str

    @property
    def metadata(self) -> sa.MetaData:
        """What holds all of them."""
        return self.models.metadata


def make_tables(config: SpansConfig, id_type: sa.types.TypeEngine[Any]) -> Tables:
    """The tables for ids of a type; nothing is created."""
    metadata = sa.MetaData(schema=config.schema_name)
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")
    time = sa.DateTime(timezone=True)  # UTC

    def table(name: str, *columns: sa.schema.SchemaItem) -> sa.Table:
        return sa.Table(
            f"{config.prefix}{name}", metadata, *columns, mysql_charset="utf8mb4",
            mysql_collate="utf8mb4_bin", mysql_engine="InnoDB",
        )  # fmt: skip

    def column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
        return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)

    def own_number() -> sa.Column[Any]:
        return sa.Column("number", number, primary_key=True)

    def ours() -> list[sa.Column[Any]]:
        return [
            sa.Column("article", id_type, primary_key=True, autoincrement=False),
            sa.Column("model", number, primary_key=True, autoincrement=False),
        ]

    def place(*, is_key: bool) -> list[sa.Column[Any]]:
        kinds = {"field": sa.String(5), "start_char": sa.Integer, "end_char": sa.Integer}
        return [
            sa.Column(name, kind, primary_key=is_key, nullable=False, autoincrement=False)  # type: ignore[arg-type]
            for name, kind in {**kinds, "label": sa.String(16)}.items()
        ]

    names = ("name", "version", "hash")
    models = table(
        "models", own_number(), *(column(name, sa.String(100)) for name in names),
        sa.UniqueConstraint(*names),
    )  # fmt: skip
    runs = table(
        "runs", own_number(), column("model", number), column("started_at", time),
        column("finished_at", time, nullable=True),
    )  # fmt: skip
    tagged = table(
        "tagged", *ours(), column("run", number, index=True), column("text_hash", sa.String(64)),
        column("changed", sa.Text, nullable=True), column("at", time),
    )  # fmt: skip
    spans = table(
        "spans", *ours(), *place(is_key=True), column("name", sa.Text), column("score", sa.Float),
        sa.Index(f"ix_{config.prefix}spans_name", "name", mysql_length=32, postgresql_using="hash"),
    )  # fmt: skip
    decisions = table(
        "decisions", own_number(), column("article", id_type), column("text_hash", sa.String(64)),
        *place(is_key=False), column("verdict", sa.String(16)), column("reviewer", sa.String(100)),
        column("source", sa.String(100)), column("at", time),
        sa.Index(f"ix_{config.prefix}decisions_article", "article", "field", "start_char"),
    )  # fmt: skip
    failures = table(
        "failures", *ours(), column("text_hash", sa.String(64)), column("why", sa.Text),
        column("remedy", sa.Text), column("tries", sa.Integer), column("at", time),
    )  # fmt: skip
    return Tables(models, runs, tagged, spans, decisions, failures, f"{config.prefix}{VIEW}")


def our_id_type(engine: Engine, their_type: Any, ours: Dialect) -> sa.types.TypeEngine[Any]:
    """The type of their ids for a column of ours, which then joins without a conversion."""
    if engine.dialect.name == ours.name:
        return their_type  # type: ignore[no-any-return]
    generic: sa.types.TypeEngine[Any] = their_type.as_generic(allow_nulltype=True)
    return generic


def has_tables(engine: Engine, tables: Tables) -> bool:
    """Whether our tables are there.

    Raises:
        NerError: there are some of their names that are not ours.
    """
    if not exists(engine):
        return False
    wanted = {table.name: table for table in tables.metadata.tables.values()}

    def work(connection: Connection) -> bool:
        inspector = sa.inspect(connection)
        schema = tables.metadata.schema
        if schema and schema not in inspector.get_schema_names():
            return False
        found = wanted.keys() & set(inspector.get_table_names(schema=schema))
        for name in sorted(found):
            columns = {column["name"] for column in inspector.get_columns(name, schema=schema)}
            if found != wanted.keys() or not columns >= set(wanted[name].c.keys()):
                raise NerError(
                    f"holds a table {name} that is not of ner",
                    where=safe_url(engine.url),
                    remedy="choose another prefix or schema under [spans]",
                )
        return bool(found)

    return reading(engine, work)


def create_tables(engine: Engine, tables: Tables) -> None:
    """Make the tables and the view: all, or none.

    Raises:
        NerError: the user may not.
    """
    made: list[sa.schema.ExecutableDDLElement] = []

    def work(connection: Connection) -> None:
        made.clear()
        schema = tables.metadata.schema
        if schema and schema not in sa.inspect(connection).get_schema_names():
            connection.execute(sa.schema.CreateSchema(schema))
            made.append(sa.schema.DropSchema(schema))
        for table in tables.metadata.sorted_tables:
            connection.execute(sa.schema.CreateTable(table))
            made.append(sa.schema.DropTable(table))
            for index in sorted(table.indexes, key=lambda each: str(each.name)):
                connection.execute(sa.schema.CreateIndex(index))
        connection.exec_driver_sql(_view(tables, connection).replace("%", "%%"))

    def undo(connection: Connection) -> None:
        for statement in reversed(made):
            connection.execute(statement)

    try:
        in_transaction(engine, work)
    except BaseException:
        if engine.dialect.name in ("mysql", "mariadb"):  # there each statement is a transaction
            in_transaction(engine, undo)
        raise


def _view(tables: Tables, connection: Connection) -> str:
    """The statement that makes the view: the spans of the model that tagged each article last."""
    spans, tagged, models, decisions = (
        tables.spans, tables.tagged, tables.models, tables.decisions.alias("d")
    )  # fmt: skip
    later = tagged.alias("later")
    last = sa.select(sa.func.max(later.c.run)).where(later.c.article == spans.c.article)
    places = ("article", "field", "start_char", "end_char", "label")
    verdict = (
        sa.select(decisions.c.verdict)
        .where(*(decisions.c[name] == spans.c[name] for name in places))
        .where(decisions.c.text_hash == tagged.c.text_hash)
        .order_by(decisions.c.number.desc())
        .limit(sa.literal_column("1"))
    )
    query = (
        sa.select(
            *(spans.c[name] for name in (*places, "name", "score")),
            (models.c.name + sa.literal_column("'-'") + models.c.version).label("model"),
            verdict.scalar_subquery().label("verdict"),
            tagged.c.text_hash,
            tagged.c.at.label("tagged_at"),
        )
        .join(tagged, sa.and_(*(tagged.c[n] == spans.c[n] for n in ("article", "model"))))
        .join(models, models.c.number == spans.c.model)
        .where(tagged.c.run == last.scalar_subquery())
    )
    quote = connection.dialect.identifier_preparer
    schema = f"{quote.quote_schema(tables.metadata.schema)}." if tables.metadata.schema else ""
    body = query.compile(connection, compile_kwargs={"literal_binds": True})
    return f"CREATE VIEW {schema}{quote.quote(tables.view)} AS {body}"
