"""Run by Alembic: by the store on its open connection, so one transaction holds it all, or by hand.

By hand, for a new migration, from the root of the repository:

    NER_STORE=sqlite:///new.db alembic -c ner/store/migrations/alembic.ini upgrade head
    NER_STORE=sqlite:///new.db alembic -c ner/store/migrations/alembic.ini revision --autogenerate -m "What for"

There is no way back but the copy that `ner store upgrade` makes.
"""

import os

from alembic import context
from sqlalchemy import Connection

from ner.store.database import open_engine
from ner.store.schema import is_here, metadata


def number_by_order(_: object, __: object, directives: list) -> None:
    """Name a new revision by the number after the newest, as the store expects."""
    for directive in directives:
        directive.rev_id = f"{int(context.script.get_current_head() or 0) + 1:04d}"


def run(connection: Connection) -> None:
    # SQLite changes most of a table only by making it anew, which is what batch mode writes.
    is_sqlite = connection.dialect.name == "sqlite"
    context.configure(
        connection=connection,
        target_metadata=metadata,
        render_as_batch=is_sqlite,
        include_name=is_here,
        process_revision_directives=number_by_order,
    )
    context.run_migrations()


given = context.config.attributes.get("connection")
if given is not None:
    run(given)
else:
    engine = open_engine(os.environ.get("NER_STORE", "sqlite://"), create=True)
    with engine.execution_options(writing=True, rebuilding=True).begin() as connection:
        run(connection)
    engine.dispose()
