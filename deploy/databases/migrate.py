"""Run one schema's Alembic history, and tell which version it has reached."""

from contextlib import AbstractContextManager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError as AlembicCommandError
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, NullPool, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from deploy.databases.schemas import Schema
from deploy.errors import CommandError

# How long a migration may hold up the traffic that queues behind it. An `env.py` may ask for less.
LOCK_TIMEOUT_MS = 5_000


def migrate(url: str, schema: Schema) -> None:
    """Bring the schema to its newest version over an administrator's connection. Nothing to do is no error.

    The history's `env.py` finds `connection`, `schema` and `owner` in the configuration's attributes and becomes
    the owner before it changes anything. Raises CommandError for a version from another release, and for a
    lock that could not be had in time.
    """
    with open_connection(url) as connection:
        try:
            _upgrade(connection, schema)
        except AlembicCommandError as error:
            raise CommandError(
                f"schema {schema.name} has a version that this code does not know ({error}): "
                "run the release that made it, or a newer one"
            ) from error
        except OperationalError as error:
            if not isinstance(error.orig, LockNotAvailable):
                raise
            raise CommandError(
                f"schema {schema.name} is in use, and its migration gave up waiting: "
                "what was not finished was undone; repeat it when there is less traffic"
            ) from error


def open_connection(url: str) -> AbstractContextManager[Connection]:
    """One connection that never waits for a lock for long."""
    return create_engine(
        make_url(url).set(drivername="postgresql+psycopg"),
        poolclass=NullPool,
        connect_args={"options": f"-c lock_timeout={LOCK_TIMEOUT_MS}"},
    ).connect()


def is_migrated(connection: Connection, schema: Schema) -> bool:
    """Whether the schema has the version that this code was written for."""
    return _version(connection, schema) == _newest(schema)


def _upgrade(connection: Connection, schema: Schema) -> None:
    if is_migrated(connection, schema):
        return
    connection.rollback()
    config = alembic_config(schema)
    config.attributes.update(connection=connection, schema=schema.name, owner=schema.owner)
    command.upgrade(config, "head")
    connection.commit()
    _show_version(connection, schema)


def _show_version(connection: Connection, schema: Schema) -> None:
    """Let the running roles see which version they run on, to refuse a schema that is too old."""
    connection.execute(text(f"SET LOCAL ROLE {schema.owner}"))
    for role in schema.running_roles:
        connection.execute(text(f"GRANT SELECT ON {schema.name}.alembic_version TO {role}"))
    connection.commit()


def _version(connection: Connection, schema: Schema) -> frozenset[str]:
    context = MigrationContext.configure(connection, opts={"version_table_schema": schema.name})
    return frozenset(context.get_current_heads())


def _newest(schema: Schema) -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(alembic_config(schema)).get_heads())


def alembic_config(schema: Schema) -> Config:
    """The schema's Alembic history; whoever runs it hands over `connection`, `schema` and `owner` as attributes."""
    config = Config()
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    return config
