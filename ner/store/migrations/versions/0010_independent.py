"""Two people read an article independently: what each said is kept with the queue, and counts once settled"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    op.add_column("queues", sa.Column("readers", sa.Integer(), nullable=False, server_default="1"))
    # Written out: Alembic would make both tables anew on SQLite, and their triggers would be lost.
    kind = "BIGINT" if op.get_bind().dialect.name == "postgresql" else "INTEGER"
    for table in ("reviews", "span_decisions"):
        refers = f"CONSTRAINT fk_{table}_queue_queues REFERENCES queues (number)"
        op.execute(f"ALTER TABLE {table} ADD COLUMN queue {kind} {refers}")
