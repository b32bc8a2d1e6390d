"""For millions of articles: texts apart, names sorted, work handed out, a quarantine for what fails"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

SURFACE = 100  # code points of a span's string that are kept


def upgrade() -> None:
    is_postgres = op.get_bind().dialect.name == "postgresql"
    _split_texts(is_postgres)
    (_rebuild_spans_in_place if is_postgres else _rebuild_spans)()
    op.create_index("ix_spans_surface", "spans", ["surface", "label", "model"])
    op.create_index("ix_spans_model", "spans", ["model", "label", "score"])
    op.drop_index("ix_tagged_run", table_name="tagged")
    op.create_index("ix_tagged_model", "tagged", ["model", "run", "at"])
    op.add_column(
        "models", sa.Column("claimed_to", sa.BigInteger(), nullable=False, server_default="0")
    )
    _add_claims()
    _add_quarantine()


def _number() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _to(table: str, column: str, other: str, **options: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.number"], name=name, **options)


def _split_texts(is_postgres: bool) -> None:
    op.create_table(
        "texts",
        sa.Column("article", _number(), nullable=False, autoincrement=False),
        sa.Column("text", sa.Text(), nullable=False),
        _to("texts", "article", "articles", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("article", name="pk_texts"),
    )
    op.add_column("articles", sa.Column("length", sa.Integer(), nullable=False, server_default="0"))
    op.execute("UPDATE articles SET length = length(text)")
    op.execute("INSERT INTO texts (article, text) SELECT number, text FROM articles")
    # On SQLite the table is made anew, with numbers that are never given twice.
    options = (
        {}
        if is_postgres
        else {"recreate": "always", "table_kwargs": {"sqlite_autoincrement": True}}
    )
    with op.batch_alter_table("articles", **options) as batch:
        batch.drop_column("text")
    op.create_index("ix_articles_date", "articles", ["date", "paper"])


def _rebuild_spans_in_place() -> None:
    op.drop_index("ix_spans_surface", table_name="spans")
    op.drop_index("ix_spans_label", table_name="spans")
    op.drop_constraint("pk_spans", "spans", type_="primary")
    op.drop_constraint("uq_spans_article", "spans", type_="unique")
    op.drop_column("spans", "number")
    op.execute(
        f"UPDATE spans SET surface = left(surface, {SURFACE}) WHERE length(surface) > {SURFACE}"
    )
    op.execute('ALTER TABLE spans ALTER COLUMN surface TYPE text COLLATE "C"')
    op.create_primary_key("pk_spans", "spans", ["article", "model", "start", "end", "label"])


def _rebuild_spans() -> None:
    op.create_table(
        "spans_new",
        sa.Column("article", _number(), nullable=False),
        sa.Column("model", _number(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("surface", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=False),
        sa.Column("run", _number(), nullable=False),
        _to("spans", "article", "articles", ondelete="CASCADE"),
        _to("spans", "model", "models"),
        _to("spans", "run", "runs"),
        sa.PrimaryKeyConstraint("article", "model", "start", "end", "label", name="pk_spans"),
        sqlite_with_rowid=False,
    )
    columns = 'article, model, start, "end", label'
    op.execute(
        f"INSERT INTO spans_new SELECT {columns}, substr(surface, 1, {SURFACE}), score, run"
        f" FROM spans ORDER BY {columns}"
    )
    op.drop_table("spans")
    op.rename_table("spans_new", "spans")


def _add_claims() -> None:
    op.create_table(
        "claims",
        sa.Column("number", _number(), nullable=False),
        sa.Column("model", _number(), nullable=False),
        sa.Column("run", _number(), nullable=False),
        sa.Column("first", sa.BigInteger(), nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        _to("claims", "model", "models"),
        _to("claims", "run", "runs"),
        sa.PrimaryKeyConstraint("number", name="pk_claims"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_claims_model", "claims", ["model"])


def _add_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("article", _number(), nullable=False),
        sa.Column("model", _number(), nullable=False),
        sa.Column("run", _number()),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("remedy", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        _to("quarantine", "article", "articles", ondelete="CASCADE"),
        _to("quarantine", "model", "models"),
        _to("quarantine", "run", "runs"),
        sa.PrimaryKeyConstraint("article", "model", name="pk_quarantine"),
    )
    op.create_index("ix_quarantine_model", "quarantine", ["model", "tries"])
