"""The viewer: accounts with their sessions, queues of articles, and who has which in hand"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"


def _number() -> sa.types.TypeEngine:
    return sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def _refers(table: str, column: str, other: str) -> sa.ForeignKeyConstraint:
    name = f"fk_{table}_{column}_{other}"
    return sa.ForeignKeyConstraint([column], [f"{other}.number"], name, ondelete="CASCADE")


def upgrade() -> None:
    time = sa.DateTime(timezone=True)
    op.create_table(
        "accounts",
        sa.Column("number", _number(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=False),
        sa.Column("role", sa.String(16), nullable=False),
        sa.Column("added_at", time, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_accounts"),
        sa.UniqueConstraint("name", name="uq_accounts_name"),
    )
    op.create_table(
        "sessions",
        sa.Column("token_hash", sa.String(64), nullable=False),
        sa.Column("account", _number(), nullable=False),
        sa.Column("until", time, nullable=False),
        sa.PrimaryKeyConstraint("token_hash", name="pk_sessions"),
        _refers("sessions", "account", "accounts"),
    )
    op.create_table(
        "queues",
        sa.Column("number", _number(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("seed", sa.Integer()),
        sa.Column("filters", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", time, nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_queues"),
    )
    op.create_table(
        "queue_articles",
        sa.Column("queue", _number(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("article", _number(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "position", name="pk_queue_articles"),
        sa.UniqueConstraint("article", "queue", name="uq_queue_articles_article"),
        _refers("queue_articles", "queue", "queues"),
        _refers("queue_articles", "article", "articles"),
    )
    op.create_table(
        "leases",
        sa.Column("article", _number(), nullable=False),
        sa.Column("reviewer", sa.Text(), nullable=False),
        sa.Column("until", time, nullable=False),
        sa.PrimaryKeyConstraint("article", name="pk_leases"),
        _refers("leases", "article", "articles"),
    )
    op.create_index("ix_leases_reviewer", "leases", ["reviewer"])
