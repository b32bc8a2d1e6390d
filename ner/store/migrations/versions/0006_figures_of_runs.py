"""What a run did is kept with it"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    for name, kind in (
        ("articles", sa.BigInteger()),
        ("characters", sa.BigInteger()),
        ("failed", sa.BigInteger()),
    ):
        op.add_column("runs", sa.Column(name, kind, nullable=False, server_default="0"))
    op.add_column("runs", sa.Column("last_at", sa.DateTime(timezone=True)))
    op.create_table(
        "run_spans",
        sa.Column("run", number, nullable=False),
        sa.Column("label", sa.String(16), nullable=False),
        sa.Column("spans", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run"], ["runs.number"], "fk_run_spans_run_runs", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("run", "label", name="pk_run_spans"),
    )
    _fill()


def _fill() -> None:
    """Of the runs before, what of theirs is there still."""
    mine = "FROM tagged JOIN articles ON articles.number = tagged.article WHERE tagged.run = runs.number"
    op.execute(
        f"UPDATE runs SET articles = (SELECT count(*) {mine}),"
        f" characters = (SELECT coalesce(sum(length), 0) {mine}),"
        f" last_at = (SELECT max(tagged.at) {mine})"
    )
    op.execute(
        "INSERT INTO run_spans (run, label, spans) SELECT run, label, count(*) FROM spans GROUP BY run, label"
    )
