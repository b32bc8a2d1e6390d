"""The tables. Changing one takes a migration in `ner/store/migrations/versions`."""

import datetime
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

metadata = sa.MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Time(sa.TypeDecorator[datetime.datetime]):
    """A moment, always with a time zone, UTC on every database. SQLite itself knows no time zones."""

    impl = sa.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(
        self, value: datetime.datetime | None, dialect: sa.Dialect
    ) -> datetime.datetime | None:
        """Refuses a time without a zone: nobody could say which moment it is."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time without a time zone: {value}")
        return value.astimezone(datetime.UTC)

    def process_result_value(
        self, value: datetime.datetime | None, dialect: sa.Dialect
    ) -> datetime.datetime | None:
        """PostgreSQL gives the connection's own time zone, SQLite none."""
        if value is None:
            return None
        return (
            value.astimezone(datetime.UTC) if value.tzinfo else value.replace(tzinfo=datetime.UTC)
        )


_NUMBER = sa.BigInteger().with_variant(sa.Integer, "sqlite")
_SORTED = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
"""Sorted by code point on both databases, so that names are found by how they begin."""
CHUNK = 500  # values in one query, at most
LAST = chr(0x10FFFF)  # sorts after whatever may follow a prefix
T = TypeVar("T")

articles = sa.Table(
    "articles",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("id", sa.Text, nullable=False, unique=True),
    sa.Column("text_hash", sa.String(64), nullable=False),
    sa.Column("title", sa.Text, nullable=False),
    sa.Column("body_start", sa.Integer, nullable=False),
    sa.Column("paper", sa.Text, nullable=False),
    sa.Column("date", sa.Date),
    sa.Column("page", sa.Text, nullable=False),
    sa.Column("section", sa.Text, nullable=False),
    sa.Column("added_at", Time, nullable=False),
    sa.Column("overtitle", sa.Text, nullable=False, server_default=""),
    sa.Column("author", sa.Text, nullable=False, server_default=""),
    sa.Column("editor", sa.Text, nullable=False, server_default=""),
    sa.Column("continued_from", sa.Text, nullable=False, server_default=""),
    sa.Column("continued_on", sa.Text, nullable=False, server_default=""),
    sa.Column("length", sa.Integer, nullable=False, server_default="0"),  # of its text, code points
    sa.Index("ix_articles_date", "date", "paper"),
    sqlite_autoincrement=True,  # a number is never given twice: `ner.store.claims` relies on it
)
# Texts apart: lists, filters and what is left to tag are found without reading past them. The index of what
# stands in them is the database's own, see `ner.store.searching` and the migration that made it.
texts = sa.Table(
    "texts",
    metadata,
    sa.Column("article", sa.ForeignKey("articles.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("text", sa.Text, nullable=False),
)
models = sa.Table(
    "models",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("version", sa.Text, nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    # The last article that was handed out to be tagged: see `ner.store.claims`.
    sa.Column("claimed_to", sa.BigInteger, nullable=False, server_default="0"),
    sa.UniqueConstraint("name", "version", "hash"),
)
runs = sa.Table(
    "runs",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("model", sa.ForeignKey("models.number"), nullable=False),
    sa.Column("started_at", Time, nullable=False),
    sa.Column("finished_at", Time),
    # What it has done, added up in the transactions that do it.
    sa.Column("articles", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("characters", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("failed", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("last_at", Time),
)
run_spans = sa.Table(
    "run_spans",
    metadata,
    sa.Column("run", sa.ForeignKey("runs.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("label", sa.String(16), primary_key=True),
    sa.Column("spans", sa.BigInteger, nullable=False),
)
# The ledger: which article a model has tagged, written in one transaction with its spans.
tagged = sa.Table(
    "tagged",
    metadata,
    sa.Column("article", sa.ForeignKey("articles.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("model", sa.ForeignKey("models.number"), primary_key=True),
    sa.Column("run", sa.ForeignKey("runs.number"), nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Index("ix_tagged_model", "model", "run", "at"),
)
SURFACE = 100
"""Code points of a span's string that are kept: what is longer cannot be indexed everywhere."""

spans = sa.Table(
    "spans",
    metadata,
    sa.Column("article", sa.ForeignKey("articles.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("model", sa.ForeignKey("models.number"), primary_key=True),
    sa.Column("start", sa.Integer, primary_key=True),
    sa.Column("end", sa.Integer, primary_key=True),
    sa.Column("label", sa.String(16), primary_key=True),
    sa.Column("surface", _SORTED, nullable=False),
    sa.Column("score", sa.Float, nullable=False),
    sa.Column("run", sa.ForeignKey("runs.number"), nullable=False),
    sa.Index("ix_spans_surface", "surface", "label", "model"),
    sa.Index("ix_spans_model", "model", "label", "score"),
    sqlite_with_rowid=False,  # the spans of an article lie together
)
# Stretches of articles that a tagger has in hand.
claims = sa.Table(
    "claims",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("model", sa.ForeignKey("models.number"), nullable=False, index=True),
    sa.Column("run", sa.ForeignKey("runs.number"), nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False),  # article numbers, both included
    sa.Column("last", sa.BigInteger, nullable=False),
    sa.Column("holder", sa.Text, nullable=False),
    sa.Column("until", Time, nullable=False),
    sqlite_autoincrement=True,
)
# Articles that a model could not tag, until it can.
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("article", sa.ForeignKey("articles.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("model", sa.ForeignKey("models.number"), primary_key=True),
    sa.Column("run", sa.ForeignKey("runs.number")),  # the last that tried; none: try at once
    sa.Column("tries", sa.Integer, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Index("ix_quarantine_model", "model", "tries"),
)
# What people say. Both tables are append-only, held by triggers, and an article that has rows here stays.
# What is taken back is named by a later row in `undoes`, which has the verdict "undone".


def _said() -> list[sa.Column[Any]]:
    return [
        sa.Column("reviewer", sa.Text, nullable=False),
        sa.Column("source", sa.Text, nullable=False),  # for example a project of doccano
        sa.Column("external_id", sa.Text),  # the source's own number for it: said once
        sa.Column("at", Time, nullable=False),
    ]


def _queue() -> sa.Column[Any]:
    """Said by one of a queue's independent readers: it counts for nothing until it is settled."""
    return sa.Column("queue", sa.ForeignKey("queues.number"))


# A person read an article as a whole: what is not decided to be right there is no name.
reviews = sa.Table(
    "reviews",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.number"), nullable=False, index=True),
    sa.Column("text_hash", sa.String(64), nullable=False),
    *_said(),
    sa.Column("undoes", sa.ForeignKey("reviews.number"), unique=True),
    _queue(),
    sa.UniqueConstraint("source", "external_id"),
)
span_decisions = sa.Table(
    "span_decisions",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.number"), nullable=False),
    sa.Column("start", sa.Integer, nullable=False),
    sa.Column("end", sa.Integer, nullable=False),
    sa.Column("label", sa.String(16), nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("model", sa.ForeignKey("models.number")),  # whose span it was; none where a person's
    *_said(),
    sa.Column("undoes", sa.ForeignKey("span_decisions.number"), unique=True),
    _queue(),
    sa.UniqueConstraint("source", "external_id"),
    sa.Index("ix_span_decisions_article", "article", "start", "end", "label", "number"),
)
# Who may review over the network, and the browsers they are logged in with.
accounts = sa.Table(
    "accounts",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("name", sa.Text, nullable=False, unique=True),
    sa.Column("password_hash", sa.Text, nullable=False),
    sa.Column("role", sa.String(16), nullable=False),
    sa.Column("added_at", Time, nullable=False),
)
sessions = sa.Table(
    "sessions",
    metadata,
    sa.Column("token_hash", sa.String(64), primary_key=True),
    sa.Column("account", sa.ForeignKey("accounts.number", ondelete="CASCADE"), nullable=False),
    sa.Column("until", Time, nullable=False),
)
# What is to be reviewed: articles in an order, drawn once, so that a sample can be drawn again and checked.
queues = sa.Table(
    "queues",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("name", sa.Text, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("seed", sa.Integer),  # of a random sample
    sa.Column("filters", sa.Text, nullable=False),  # JSON, as it was asked for
    sa.Column("made_by", sa.Text, nullable=False),
    sa.Column("made_at", Time, nullable=False),
    # How many people read each article, independently where they are several.
    sa.Column("readers", sa.Integer, nullable=False, server_default="1"),
)
queue_articles = sa.Table(
    "queue_articles",
    metadata,
    sa.Column("queue", sa.ForeignKey("queues.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("position", sa.Integer, primary_key=True),
    sa.Column("article", sa.ForeignKey("articles.number", ondelete="CASCADE"), nullable=False),
    sa.UniqueConstraint("article", "queue"),
)
# Who has an article in hand: nobody else is given it until then.
leases = sa.Table(
    "leases",
    metadata,
    sa.Column("article", sa.ForeignKey("articles.number", ondelete="CASCADE"), primary_key=True),
    sa.Column("reviewer", sa.Text, nullable=False, index=True),
    sa.Column("until", Time, nullable=False),
)
# The register: what the articles say of brands, organisations and places, counted. See `ner.store.register`.
# Articles to count anew, written by triggers: on `tagged`, `span_decisions`, and changes of `articles`.
register_changes = sa.Table(
    "register_changes",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("part", sa.String(16), nullable=False),
    sa.Column("article", sa.BigInteger, nullable=False),  # which may be gone
    sa.Index("ix_register_changes_part", "part", "number"),
    sqlite_autoincrement=True,
)
# What was counted of an article, to be taken off again when it changes or goes.
register_articles = sa.Table(
    "register_articles",
    metadata,
    sa.Column("part", sa.String(16), primary_key=True),
    sa.Column("article", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("facts", sa.LargeBinary, nullable=False),  # JSON, deflated
)
register_mentions = sa.Table(
    "register_mentions",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("key", _SORTED, primary_key=True),
    sa.Column("article", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("mentions", sa.Integer, nullable=False),
    sa.Index("ix_register_mentions_article", "article", "kind"),
    sqlite_with_rowid=False,
)
register_counts = sa.Table(
    "register_counts",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("key", _SORTED, primary_key=True),
    sa.Column("aspect", sa.String(16), primary_key=True),
    sa.Column("value", _SORTED, primary_key=True),
    sa.Column("total", sa.BigInteger, nullable=False),
    sa.Index(
        "ix_register_counts_value",
        *("kind", "aspect", "value"),
        sqlite_where=sa.text("aspect IN ('plain', 'body')"),
        postgresql_where=sa.text("aspect IN ('plain', 'body')"),
    ),
    sqlite_with_rowid=False,
)
# Derived from the counts. A key is a form of its parent; an entity is the keys with one root, in whose row
# its figures are.
register_keys = sa.Table(
    "register_keys",
    metadata,
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("key", _SORTED, primary_key=True),
    sa.Column("parent", _SORTED),
    sa.Column("entity", _SORTED),  # none before it was derived
    sa.Column("is_stale", sa.Boolean, nullable=False),
    sa.Column("name", _SORTED, nullable=False, server_default=""),
    sa.Column("sort", sa.String(32), nullable=False, server_default=""),
    sa.Column("articles", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("mentions", sa.BigInteger, nullable=False, server_default="0"),
    sa.Column("first", sa.Date),
    sa.Column("last", sa.Date),
    sa.Index("ix_register_keys_entity", "kind", "entity"),
    sa.Index("ix_register_keys_parent", "kind", "parent"),
    sa.Index("ix_register_keys_name", "kind", "name"),
    sa.Index("ix_register_keys_articles", "kind", "articles"),
    sa.Index(
        "ix_register_keys_stale",
        "kind",
        sqlite_where=sa.text("is_stale"),
        postgresql_where=sa.text("is_stale"),
    ),
)
# What people say of the register: append-only, held by triggers.
register_edits = sa.Table(
    "register_edits",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("key", _SORTED, nullable=False),
    sa.Column("verdict", sa.String(16), nullable=False),
    sa.Column("other", _SORTED),  # of a merge: the key that it is a form of
    *_said(),
    sa.Column("undoes", sa.ForeignKey("register_edits.number"), unique=True),
    sa.UniqueConstraint("source", "external_id"),
    sa.Index("ix_register_edits_key", "kind", "key"),
)
failures = sa.Table(
    "failures",
    metadata,
    sa.Column("number", _NUMBER, primary_key=True),
    sa.Column("key", sa.String(64), nullable=False, unique=True),  # SHA-256 of id, place and reason
    sa.Column("article_id", sa.Text, nullable=False),
    sa.Column("place", sa.Text, nullable=False),
    sa.Column("why", sa.Text, nullable=False),
    sa.Column("remedy", sa.Text, nullable=False),
    sa.Column("at", Time, nullable=False),
    sa.Index("ix_failures_article_id", "article_id", postgresql_using="hash"),
)


@dataclass(frozen=True, slots=True)
class Ledger:
    """The tables that runs write: those of a store of ours, or those beside a table that others own.

    Args:
        place: the columns of `spans` that say where in an article a span is, and its label.
        text: the columns of `tagged` that say which text was tagged; none where an article has only one.
    """

    models: sa.Table
    runs: sa.Table
    run_spans: sa.Table
    tagged: sa.Table
    spans: sa.Table
    place: tuple[str, ...]
    text: tuple[str, ...] = ()


OURS = Ledger(models, runs, run_spans, tagged, spans, ("start", "end", "label"))


def is_here(name: str | None, *_: object) -> bool:
    """Whether Alembic finds a table or an index of the database in this module; not what searches texts."""
    return not (name or "").startswith(("texts_index", "texts_terms", "ix_texts_pairs"))


def insert(connection: sa.Connection, table: sa.Table) -> Any:
    """The dialect's own insert, since only it knows ON CONFLICT."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    return dialect.insert(table)


def execute_many(
    connection: sa.Connection,
    statement: Any,
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
) -> None:
    """Execute an insert or an update for many rows, as the driver takes them.

    SQLAlchemy's own way takes longer than the database, as it looks at each value of each row.

    Args:
        columns: what the rows' values are for; of an update the names of its parameters. There are no others.
    """
    if not rows:
        return
    keys = list(columns) if statement.is_insert else None
    compiled = statement.compile(dialect=connection.dialect, column_keys=keys)
    order = compiled.positiontup  # none where the driver takes values by name
    if order is None:
        connection.exec_driver_sql(compiled.string, [dict(zip(columns, row)) for row in rows])
    else:
        places = [columns.index(name) for name in order]
        connection.exec_driver_sql(compiled.string, [tuple(row[p] for p in places) for row in rows])


def delete_rows(
    connection: sa.Connection, column: sa.Column[Any], values: Sequence[Any], *more: Any
) -> None:
    """Delete the rows with some values of a column, however many these are.

    Args:
        more: conditions that the rows meet too.
    """
    for some in chunks(values):
        connection.execute(column.table.delete().where(column.in_(some), *more))


def month_of(connection: sa.Connection, date: sa.ColumnElement[Any]) -> sa.ColumnElement[str]:
    """The month of a date: ``2025-03``."""
    if connection.dialect.name == "postgresql":
        return sa.func.to_char(date, "YYYY-MM")
    return sa.func.strftime("%Y-%m", date)


def now() -> datetime.datetime:
    """What time columns hold: now, in UTC."""
    return datetime.datetime.now(datetime.UTC)


def chunks(values: Sequence[T], size: int = CHUNK) -> Iterator[Sequence[T]]:
    """Parts of a list that fit a query: databases limit its parameters."""
    return (values[start : start + size] for start in range(0, len(values), size))
