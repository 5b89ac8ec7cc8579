"""Prepare a database: `set_up(monolith_target(url, secret))`, `set_up(scheduling_target(url, secret))`."""

import contextlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import psycopg
from psycopg import sql
from sqlalchemy import text

from contracts.chassis.credentials import without_credentials
from deploy.databases import roles
from deploy.databases.migrate import described_errors, is_migrated, migrate, open_connection
from deploy.databases.schemas import Schema, Target
from deploy.errors import CommandError

# Serializes set-ups on one server, because roles belong to the server.
LOCK = 0x657874726163
OLDEST_SERVER = 17
MAINTENANCE_DATABASE = "postgres"
_SUBSCRIBED = """
    SELECT EXISTS (SELECT FROM pg_subscription s JOIN pg_database d ON d.oid = s.subdbid
                    WHERE d.datname = current_database())
"""


def set_up(target: Target, *, while_replicating: bool = False) -> None:
    """Create the database, roles, schemas and tables that are missing, and migrate to the newest version.

    Idempotent, and safe to run concurrently; existing data is kept. Sets the roles' passwords, derived from the role
    secret: after a change of the secret, processes with the old one cannot log in any more.

    Raises CommandError for a schema that is replicated and not at the newest version, unless `while_replicating`: the
    stream would stop at the first row with a new column.
    """
    database = database_name(target)
    with _lock_server(target) as server:
        for schema in target.schemas:
            roles.create_roles(server, schema, target.role_secret)
        _create_database(server, database)
        roles.grant_connect(server, database, target.running_roles)
        roles.grant_replication(server, database, target.schemas)
        with connect(target) as connection:
            roles.prepare_public(connection)
            for schema in target.schemas:
                roles.create_schema(connection, schema)
        for schema in target.schemas:
            if schema.replicator is not None and not while_replicating:
                _require_no_subscription(target, schema)
            migrate(target.url, schema)


def require_separate_servers(monolith_url: str, scheduling_url: str) -> None:
    """Raise CommandError for one server: roles belong to a server, and `scheduling_app` has a password in each."""
    one, other = (urlsplit(without_credentials(url)).netloc for url in (monolith_url, scheduling_url))
    if one == other:
        raise CommandError(
            f"MONOLITH_DATABASE_URL and SCHEDULING_DATABASE_URL are both on {one}: "
            "the two deployments need a server each"
        )


def connect(target: Target, database: str | None = None) -> roles.Connection:
    """Open an administrator's connection in autocommit mode. Raises CommandError."""
    parts = urlsplit(target.url)
    url = target.url if database is None else parts._replace(path=f"/{database}").geturl()
    try:
        connection = psycopg.connect(url, autocommit=True, connect_timeout=10, application_name="extraction set-up")
        connection.execute(f"SET search_path = {roles.SEARCH_PATH}")
        return connection
    except (psycopg.OperationalError, psycopg.ProgrammingError) as error:
        raise connection_error(target, error) from error


def connection_error(target: Target, error: Exception) -> CommandError:
    """Describe a failed connection. The message contains no password."""
    reason = " ".join(str(error).split())
    return CommandError(
        f"cannot connect to the {target.name} database at {without_credentials(target.url)} "
        f"({reason}): start that server or correct {target.setting}"
    )


def database_name(target: Target) -> str:
    """Return the database name in the URL. Raises CommandError if there is none."""
    name = urlsplit(target.url).path.removeprefix("/")
    if not name:
        example = without_credentials(target.url).rstrip("/") + f"/{target.name}"
        raise CommandError(f"{target.setting} names no database: write it as {example}")
    return name


@contextlib.contextmanager
def _lock_server(target: Target) -> Iterator[roles.Connection]:
    with connect(target, MAINTENANCE_DATABASE) as server:
        if server.info.server_version < OLDEST_SERVER * 10_000:
            raise CommandError(
                f"{target.setting} is a Postgres {server.info.server_version // 10_000} server: "
                f"{OLDEST_SERVER} or newer is required"
            )
        server.execute("SELECT pg_advisory_lock(%s)", (LOCK,))
        yield server


def _require_no_subscription(target: Target, schema: Schema) -> None:
    with open_connection(target.url) as connection, described_errors(schema):
        if is_migrated(connection, schema) or not connection.execute(text(_SUBSCRIBED)).scalar():
            return
    raise CommandError(
        f"schema {schema.name} of the {target.name} database is replicated, and its migration would stop the stream: "
        "run `extraction replicate migrate`, which migrates both databases, then repeat this command"
    )


def _create_database(server: roles.Connection, database: str) -> None:
    if server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,)).fetchone() is None:
        server.execute(
            sql.SQL("CREATE DATABASE {} ENCODING 'UTF8' TEMPLATE template0").format(sql.Identifier(database))
        )
