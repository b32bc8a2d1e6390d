"""Run by Alembic; the store hands over its open connection, so one transaction holds it all."""

from alembic import context

from ner.store.schema import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
context.run_migrations()
