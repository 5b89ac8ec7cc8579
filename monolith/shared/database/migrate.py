"""Alembic migrations of one schema, and the check that they are complete."""

from pathlib import Path

from alembic import context
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, Text, column, select, table, text

from contracts.chassis.schema_versions import serves
from monolith.shared.database.database import ModuleDatabase


def run_migrations() -> None:
    """Migrate the schema to its newest version, as its owner, in one transaction. Called by each module's `env.py`.

    `extraction db setup` passes `connection` (an administrator's), `schema` and `owner`. A migration fails without
    changes after waiting 5 s for a lock, so that traffic does not queue behind it.
    """
    attributes = context.config.attributes
    connection: Connection = attributes["connection"]
    schema, owner = attributes["schema"], attributes["owner"]
    context.configure(connection=connection, version_table_schema=schema, transactional_ddl=True)
    with context.begin_transaction():
        connection.execute(text(f'SET LOCAL ROLE "{owner}"'))
        connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        connection.execute(text("SET LOCAL statement_timeout = '10min'"))
        context.run_migrations()
        # The readiness check reads the version as the application role.
        connection.execute(text(f'GRANT SELECT ON "{schema}".alembic_version TO "{schema}_app"'))


def newest_versions(migrations: Path) -> frozenset[str]:
    """Return the newest versions in the code."""
    config = Config()
    config.set_main_option("script_location", str(migrations).replace("%", "%%"))
    return frozenset(ScriptDirectory.from_config(config).get_heads())


def missing_versions(database: ModuleDatabase, schema: str, newest: frozenset[str]) -> frozenset[str]:
    """Return the newest versions that the schema lacks; none if it is newer and declares that it serves this code.

    Raises DatabaseUnavailable, also for an unmigrated schema.
    """
    versions = table("alembic_version", schema=schema)
    described = text("SELECT obj_description(CAST(:name AS regclass), 'pg_class')")
    with database.transaction() as connection:
        reached = frozenset(connection.execute(select(column("version_num", Text)).select_from(versions)).scalars())
        comment = connection.execute(described, {"name": f"{schema}.alembic_version"}).scalar()
    return frozenset() if serves(comment, reached, newest) else newest - reached
