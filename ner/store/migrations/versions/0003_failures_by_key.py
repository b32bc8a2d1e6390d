"""Failures are unique by a hash, long strings can be indexed, decisions.model is dropped"""

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    with op.batch_alter_table("decisions") as batch:
        batch.drop_constraint("fk_decisions_model_models", type_="foreignkey")
        batch.drop_column("model")
    op.drop_index("ix_spans_surface", table_name="spans")
    op.create_index("ix_spans_surface", "spans", ["surface"], postgresql_using="hash")
    op.add_column("failures", sa.Column("key", sa.String(64)))
    _set_keys()
    with op.batch_alter_table("failures") as batch:
        batch.drop_constraint("uq_failures_article_id", type_="unique")
        batch.alter_column("key", existing_type=sa.String(64), nullable=False)
        batch.create_unique_constraint("uq_failures_key", ["key"])
    op.create_index("ix_failures_article_id", "failures", ["article_id"], postgresql_using="hash")


def _set_keys() -> None:
    names = ("number", "key", "article_id", "place", "why")
    failures = sa.table("failures", *map(sa.column, names))
    connection = op.get_bind()
    for row in connection.execute(sa.select(failures)).all():
        key = hashlib.sha256("\0".join((row.article_id, row.place, row.why)).encode()).hexdigest()
        connection.execute(failures.update().where(failures.c.number == row.number).values(key=key))
