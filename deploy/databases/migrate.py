"""Migrate one schema with its Alembic history, and read its version."""

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError as AlembicCommandError
from psycopg.errors import LockNotAvailable
from sqlalchemy import Connection, NullPool, create_engine, text
from sqlalchemy.exc import OperationalError

from contracts.chassis.database_urls import sqlalchemy_url
from contracts.chassis.schema_versions import compatibility_comment
from deploy.databases.roles import SEARCH_PATH
from deploy.databases.schemas import Schema
from deploy.errors import CommandError

# Longest time that a migration may block the traffic queued behind it. An `env.py` may set less.
LOCK_TIMEOUT_MS = 5_000
_SEARCH_PATH = SEARCH_PATH.replace(" ", "")


def migrate(url: str, schema: Schema) -> None:
    """Migrate the schema to its newest version over an administrator's connection. Idempotent.

    The history's `env.py` reads `connection`, `schema` and `owner` from the configuration's attributes and assumes the
    owner role before any change. Raises CommandError for a version from another release, and for a lock that could not
    be acquired in time.
    """
    with open_connection(url) as connection, described_errors(schema):
        _upgrade(connection, schema)


@contextmanager
def described_errors(schema: Schema) -> Iterator[None]:
    """Raise CommandError for a version that the code does not contain, and for a lock that was not free in time."""
    try:
        yield
    except AlembicCommandError as error:
        raise CommandError(
            f"schema {schema.name} has a version that this code does not contain ({error}): "
            "run the release that created it, or a newer one"
        ) from error
    except OperationalError as error:
        if not isinstance(error.orig, LockNotAvailable):
            raise
        raise CommandError(
            f"schema {schema.name} is in use, and its migration timed out on a lock: "
            "it was rolled back; repeat it when there is less traffic"
        ) from error


def open_connection(url: str) -> AbstractContextManager[Connection]:
    """Open a connection with a lock timeout of `LOCK_TIMEOUT_MS`, and the search path of all sessions."""
    return create_engine(
        sqlalchemy_url(url),
        poolclass=NullPool,
        connect_args={"options": f"-c lock_timeout={LOCK_TIMEOUT_MS} -c search_path={_SEARCH_PATH}"},
    ).connect()


def is_migrated(connection: Connection, schema: Schema) -> bool:
    """Return whether the schema has the version that this code requires."""
    return _version(connection, schema) == _newest(schema)


def _upgrade(connection: Connection, schema: Schema) -> None:
    if is_migrated(connection, schema):
        _declare_compatibility(connection, schema)
        return
    connection.rollback()
    config = alembic_config(schema)
    config.attributes.update(connection=connection, schema=schema.name, owner=schema.owner)
    command.upgrade(config, "head")
    connection.commit()
    _grant_version_read(connection, schema)
    _declare_compatibility(connection, schema)


def oldest_code(schema: Schema) -> str:
    """Return the oldest version of the code that works with the newest schema.

    Each migration declares it as `oldest_code`; without it, only code of its own version or newer works.
    """
    revisions = ScriptDirectory.from_config(alembic_config(schema)).walk_revisions()
    return max(getattr(each.module, "oldest_code", each.revision) for each in revisions)


def _declare_compatibility(connection: Connection, schema: Schema) -> None:
    """Store `oldest_code` for the processes of older releases, which cannot read the new migrations."""
    table = f"{schema.name}.alembic_version"
    comment = compatibility_comment(oldest_code(schema))
    stored = text("SELECT obj_description(CAST(:name AS regclass), 'pg_class')")
    if connection.execute(stored, {"name": table}).scalar() != comment:
        connection.execute(text(f"SET LOCAL ROLE {schema.owner}"))
        connection.execute(text(f"COMMENT ON TABLE {table} IS '{comment}'"))
    connection.commit()


def _grant_version_read(connection: Connection, schema: Schema) -> None:
    """Let the running roles read the schema's version, so that they can refuse one that is too old."""
    connection.execute(text(f"SET LOCAL ROLE {schema.owner}"))
    for role in schema.running_roles:
        connection.execute(text(f"GRANT SELECT ON {schema.name}.alembic_version TO {role}"))
    connection.commit()


def _version(connection: Connection, schema: Schema) -> frozenset[str]:
    context = MigrationContext.configure(connection, opts={"version_table_schema": schema.name})
    return frozenset(context.get_current_heads())


def current_version(connection: Connection, schema: Schema) -> str:
    """Return the version of the schema, whose history is a single line."""
    return max(_version(connection, schema), default="base")


def _newest(schema: Schema) -> frozenset[str]:
    return frozenset(ScriptDirectory.from_config(alembic_config(schema)).get_heads())


def alembic_config(schema: Schema) -> Config:
    """Return the schema's Alembic history. A migration sets the attributes `connection`, `schema` and `owner`."""
    config = Config()
    config.set_main_option("script_location", str(schema.migrations).replace("%", "%%"))
    return config
