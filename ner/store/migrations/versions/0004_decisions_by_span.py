"""Decisions are reviews of articles and verdicts on spans, append-only by trigger"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

TABLES = ("reviews", "span_decisions")


def _number() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _said() -> list[sa.Column]:
    return [
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("external_id", sa.Text()),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
    ]


def upgrade() -> None:
    op.create_table(
        "reviews",
        sa.Column("number", _number(), nullable=False),
        sa.Column("article", _number(), nullable=False),
        sa.Column("text_hash", sa.String(64), nullable=False),
        *_said(),
        sa.Column("undoes", _number()),
        sa.ForeignKeyConstraint(["article"], ["articles.number"], "fk_reviews_article_articles"),
        sa.ForeignKeyConstraint(["undoes"], ["reviews.number"], "fk_reviews_undoes_reviews"),
        sa.PrimaryKeyConstraint("number", name="pk_reviews"),
        sa.UniqueConstraint("source", "external_id", name="uq_reviews_source"),
        sa.UniqueConstraint("undoes", name="uq_reviews_undoes"),
    )
    op.create_index("ix_reviews_article", "reviews", ["article"])
    op.create_table(
        "span_decisions",
        sa.Column("number", _number(), nullable=False),
        sa.Column("article", _number(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("model", _number()),
        *_said(),
        sa.Column("undoes", _number()),
        sa.ForeignKeyConstraint(
            ["article"], ["articles.number"], "fk_span_decisions_article_articles"
        ),
        sa.ForeignKeyConstraint(["model"], ["models.number"], "fk_span_decisions_model_models"),
        sa.ForeignKeyConstraint(
            ["undoes"], ["span_decisions.number"], "fk_span_decisions_undoes_span_decisions"
        ),
        sa.PrimaryKeyConstraint("number", name="pk_span_decisions"),
        sa.UniqueConstraint("source", "external_id", name="uq_span_decisions_source"),
        sa.UniqueConstraint("undoes", name="uq_span_decisions_undoes"),
    )
    op.create_index(
        "ix_span_decisions_article",
        "span_decisions",
        ["article", "start", "end", "label", "number"],
    )
    # The verdict "whole" on the span of the whole text was the review; the note is the source.
    op.execute("""
        INSERT INTO reviews (article, text_hash, reviewer, source, at)
        SELECT d.article, a.text_hash, d.reviewer, d.note, d.at
        FROM decisions d JOIN articles a ON a.number = d.article
        WHERE d.verdict = 'whole' ORDER BY d.number
    """)
    op.execute("""
        INSERT INTO span_decisions (article, start, "end", label, verdict, reviewer, source, at)
        SELECT article, start, "end", label, verdict, reviewer, note, at
        FROM decisions WHERE verdict <> 'whole' ORDER BY number
    """)
    op.drop_table("decisions")
    _make_append_only(op.get_bind().dialect.name)


def _make_append_only(dialect: str) -> None:
    """Let the database itself refuse to change or delete what people said.

    A later migration that rebuilds one of the tables on SQLite must make its triggers again.
    """
    if dialect == "postgresql":
        op.execute("""
            CREATE FUNCTION ner_append_only() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION '% is append-only', TG_TABLE_NAME; END $$
        """)
        for table in TABLES:
            op.execute(
                f"CREATE TRIGGER {table}_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}"
                " FOR EACH STATEMENT EXECUTE FUNCTION ner_append_only()"
            )
        return
    for table in TABLES:
        for action in ("UPDATE", "DELETE"):
            op.execute(
                f"CREATE TRIGGER {table}_no_{action.lower()} BEFORE {action} ON {table}"
                f" BEGIN SELECT RAISE(ABORT, '{table} is append-only'); END"
            )
