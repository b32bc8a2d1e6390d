"""Our tables beside a foreign article table, and the view by which others join them.

Offsets in them are code points into their columns, half-open: of the column that `field` names, ``title``
or ``body``.
"""

from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ner.store.foreign.config import SpansConfig
from ner.store.foreign.rows import BODY, TITLE
from ner.store.schema import Ledger, Time
from ner.store.verdicts import RIGHT, UNDONE, WRONG, stands

VIEW = "article_spans"
PLACE = ("field", "start_char", "end_char", "label")
"""The columns that say where a span is."""
ADDED = "added"
"""In the `info` of tables and columns that the first version did not make, see `ner.store.foreign.making`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables(Ledger):
    """Our tables, under their names in one database.

    Args:
        named: numbers of decisions on nothing that a warning has named: one is enough.
    """

    failures: sa.Table
    decisions: sa.Table
    reviews: sa.Table
    view: str
    named: set[int] = field(default_factory=set)

    @property
    def metadata(self) -> sa.MetaData:
        """What holds all of them."""
        return self.models.metadata


def make_tables(config: SpansConfig, id_type: sa.types.TypeEngine[Any]) -> Tables:
    """The tables for ids of a type; nothing is created."""
    metadata = sa.MetaData(schema=config.schema_name)
    number = sa.BigInteger().with_variant(sa.Integer, "sqlite")

    def table(name: str, *columns: sa.schema.SchemaItem, **options: Any) -> sa.Table:
        return sa.Table(
            f"{config.prefix}{name}", metadata, *columns, mysql_charset="utf8mb4",
            mysql_collate="utf8mb4_bin", mysql_engine="InnoDB", **options,
        )  # fmt: skip

    def column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
        return sa.Column(name, kind, nullable=options.pop("nullable", False), **options)

    def added(name: str, kind: Any, default: Any = None) -> sa.Column[Any]:
        info = {ADDED: True}
        return sa.Column(name, kind, nullable=default is None, server_default=default, info=info)

    def own_number() -> sa.Column[Any]:
        return sa.Column("number", number, primary_key=True)

    def ours() -> list[sa.Column[Any]]:
        return [
            sa.Column("article", id_type, primary_key=True, autoincrement=False),
            sa.Column("model", number, primary_key=True, autoincrement=False),
        ]

    def place(*, is_key: bool) -> list[sa.Column[Any]]:
        kinds = zip(PLACE, (sa.String(5), sa.Integer, sa.Integer, sa.String(16)))
        return [
            sa.Column(name, kind, primary_key=is_key, nullable=False, autoincrement=False)  # type: ignore[arg-type]
            for name, kind in kinds
        ]

    def said(name: str) -> list[sa.schema.SchemaItem]:
        """Who said it, when, and what it takes back: as in `ner.store.schema`."""
        return [
            column("reviewer", sa.String(100)), column("source", sa.String(100)), column("at", Time),
            added("external_id", sa.String(100)), added("undoes", number),
            sa.Index(f"uq_{config.prefix}{name}_source", "source", "external_id", unique=True),
            sa.Index(f"uq_{config.prefix}{name}_undoes", "undoes", unique=True),
        ]  # fmt: skip

    names = ("name", "version", "hash")
    models = table(
        "models", own_number(), *(column(name, sa.String(100)) for name in names),
        sa.UniqueConstraint(*names),
    )  # fmt: skip
    runs = table(
        "runs", own_number(), column("model", number), column("started_at", Time),
        column("finished_at", Time, nullable=True),
        *(added(name, sa.BigInteger, "0") for name in ("articles", "characters", "failed")),
        added("last_at", Time),
    )  # fmt: skip
    run_spans = table(
        "run_spans", sa.Column("run", number, primary_key=True, autoincrement=False),
        sa.Column("label", sa.String(16), primary_key=True), column("spans", sa.BigInteger),
        info={ADDED: True},
    )  # fmt: skip
    tagged = table(
        "tagged", *ours(), column("run", number, index=True), column("text_hash", sa.String(64)),
        column("changed", sa.Text, nullable=True), column("at", Time),
        added("is_stale", sa.Boolean, sa.false()),  # to be tagged again, though its text is the same
    )  # fmt: skip
    spans = table(
        "spans", *ours(), *place(is_key=True), column("name", sa.Text), column("score", sa.Float),
        sa.Index(f"ix_{config.prefix}spans_name", "name", mysql_length=32, postgresql_using="hash"),
    )  # fmt: skip
    decisions = table(
        "decisions", own_number(), column("article", id_type), column("text_hash", sa.String(64)),
        *place(is_key=False), column("verdict", sa.String(16)), added("model", number),
        added("name", sa.Text), *said("decisions"),
        # Refused where they are inserted.
        sa.CheckConstraint(f"field IN ('{TITLE}', '{BODY}')", f"ck_{config.prefix}decisions_field"),
        sa.CheckConstraint(
            f"verdict IN ('{RIGHT}', '{WRONG}', '{UNDONE}')", f"ck_{config.prefix}decisions_verdict"
        ),
        sa.Index(f"ix_{config.prefix}decisions_article", "article", "field", "start_char"),
    )  # fmt: skip
    reviews = table(
        "reviews", own_number(), column("article", id_type), column("text_hash", sa.String(64)),
        *said("reviews"), sa.Index(f"ix_{config.prefix}reviews_article", "article"),
        info={ADDED: True},
    )  # fmt: skip
    failures = table(
        "failures", *ours(), column("text_hash", sa.String(64)), column("why", sa.Text),
        column("remedy", sa.Text), column("tries", sa.Integer), column("at", Time),
        added("run", number),
    )  # fmt: skip
    return Tables(
        models, runs, run_spans, tagged, spans, PLACE, ("text_hash",),
        failures=failures, decisions=decisions, reviews=reviews, view=f"{config.prefix}{VIEW}",
    )  # fmt: skip


def view_name(tables: Tables, connection: Connection) -> str:
    """The name of the view in a statement."""
    quote = connection.dialect.identifier_preparer
    schema = f"{quote.quote_schema(tables.metadata.schema)}." if tables.metadata.schema else ""
    return f"{schema}{quote.quote(tables.view)}"


def view_statement(tables: Tables, connection: Connection, verb: str = "CREATE") -> str:
    """The statement that makes the view: spans of the model that tagged each article last, as people decided.

    They are those of `ner.store.decided.as_decided`: without those that they called wrong or that cross one
    that they called right, and with those that they called right and the model did not find.
    """
    body = sa.union_all(_found(tables), _added(tables))
    made = body.compile(connection, compile_kwargs={"literal_binds": True})
    statement = f"{verb} VIEW {view_name(tables, connection)} AS {made}"
    return statement.replace("%", "%%")


def _found(tables: Tables) -> sa.Select[Any]:
    """The spans of the model that tagged each article last, with the last word on each."""
    spans, tagged, models, said = tables.spans, tables.tagged, tables.models, tables.decisions
    verdict, right = said.alias("d"), said.alias("r")
    here = verdict.c.text_hash == tagged.c.text_hash
    last_word = (
        sa.select(verdict.c.verdict)
        .where(_same(verdict, spans, *_WHERE, *_WHAT), here, stands(verdict))
        .order_by(verdict.c.number.desc())
        .limit(sa.literal_column("1"))
        .scalar_subquery()
    )
    crossed = sa.exists().where(
        _cross(right, spans), right.c.text_hash == tagged.c.text_hash, _is_right(right, said)
    )
    return (
        sa.select(
            *(spans.c[name] for name in ("article", *PLACE, "name", "score")),
            (models.c.name + sa.literal_column("'-'") + models.c.version).label("model"),
            last_word.label("verdict"),
            tagged.c.text_hash,
            tagged.c.at.label("tagged_at"),
        )
        .join(tagged, _same(tagged, spans, "article", "model"))
        .join(models, models.c.number == spans.c.model)
        .where(_is_last(tagged), sa.func.coalesce(last_word, "") != WRONG, ~crossed)
    )


def _added(tables: Tables) -> sa.Select[Any]:
    """The spans that people called right and that model did not find; of two that cross, the later."""
    spans, tagged, said = tables.spans, tables.tagged, tables.decisions
    added, later = said.alias("a"), said.alias("l")
    found = sa.exists().where(_same(spans, added, *_WHERE, *_WHAT), spans.c.model == tagged.c.model)
    crossed = sa.exists().where(
        _cross(later, added), _same(later, added, "text_hash"), later.c.number > added.c.number,
        _is_right(later, said),
    )  # fmt: skip
    return (
        sa.select(
            *(added.c[name] for name in ("article", *PLACE, "name")),
            sa.literal_column("1.0").label("score"),
            sa.cast(sa.null(), sa.Text).label("model"),
            added.c.verdict,
            tagged.c.text_hash,
            tagged.c.at.label("tagged_at"),
        )
        .join(tagged, _same(tagged, added, "article", "text_hash"))
        .where(_is_last(tagged), _is_right(added, said), ~found, ~crossed)
    )


_WHERE, _WHAT = ("article", "field"), ("start_char", "end_char", "label")


def _same(a: sa.FromClause, b: sa.FromClause, *names: str) -> sa.ColumnElement[bool]:
    return sa.and_(*(a.c[name] == b.c[name] for name in names))


def _cross(a: sa.FromClause, b: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether two spans of one column cross: neither holds the other."""
    starts = (
        sa.and_(x.c.start_char < y.c.start_char, y.c.start_char < x.c.end_char, x.c.end_char < y.c.end_char)
        for x, y in ((a, b), (b, a))
    )  # fmt: skip
    return sa.and_(_same(a, b, *_WHERE), sa.or_(*starts))


def _is_last(tagged: sa.FromClause) -> sa.ColumnElement[bool]:
    """Whether a row of the ledger is of the run that tagged its article last."""
    later = tagged.alias("later")
    last = sa.select(sa.func.max(later.c.run)).where(later.c.article == tagged.c.article)
    return tagged.c.run == last.scalar_subquery()


def _is_right(said: sa.FromClause, decisions: sa.Table) -> sa.ColumnElement[bool]:
    """Whether a decision says that its span is right, and nothing that was said later counts."""
    later = decisions.alias()
    spoken = _same(later, said, *_WHERE, *_WHAT, "text_hash"), later.c.number > said.c.number
    return sa.and_(
        said.c.verdict == RIGHT, stands(said), ~sa.exists().where(*spoken, stands(later))
    )
