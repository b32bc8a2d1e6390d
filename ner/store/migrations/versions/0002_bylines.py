"""Over-title, author, editor and the pages that an article is continued from and on"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

COLUMNS = ("overtitle", "author", "editor", "continued_from", "continued_on")


def upgrade() -> None:
    for name in COLUMNS:
        op.add_column("articles", sa.Column(name, sa.Text(), nullable=False, server_default=""))
