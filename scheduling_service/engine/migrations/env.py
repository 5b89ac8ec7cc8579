"""Alembic's entry point: runs in the transaction, and as the owning role, that `extraction db setup` passes."""

from alembic import context
from sqlalchemy import Connection, text

connection: Connection = context.config.attributes["connection"]
schema: str = context.config.attributes["schema"]
owner: str = context.config.attributes["owner"]

connection.execute(text(f'SET ROLE "{owner}"'))
connection.execute(text("SET lock_timeout = '5s'"))
connection.execute(text("SET statement_timeout = '10min'"))
context.configure(connection=connection, version_table_schema=schema, transactional_ddl=True)
with context.begin_transaction():
    context.run_migrations()
# The service's readiness check reads the version.
connection.execute(text(f'GRANT SELECT ON "{schema}".alembic_version TO scheduling_app'))
connection.execute(text("RESET ROLE"))
