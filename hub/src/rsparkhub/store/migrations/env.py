"""Alembic runs this file; the connection and its transaction are the caller's (see store/migrate.py)."""

from alembic import context

from rsparkhub.store.migrate import VERSION_TABLE
from rsparkhub.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
    render_as_batch=True,
    compare_type=True,
)
context.run_migrations()
