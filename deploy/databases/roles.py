"""Roles, schemas and grants. Every function is idempotent and leaves data unchanged."""

from collections.abc import Iterable

import psycopg
from psycopg import sql
from psycopg.sql import Identifier

from contracts.chassis.credentials import MissingPassword, role_password
from deploy.databases.schemas import Schema
from deploy.errors import CommandError

Connection = psycopg.Connection[tuple[object, ...]]

SEARCH_PATH = "pg_catalog, public"
"""Of every session. Postgres' default begins with a schema that is named like the role of the session: a role that may
create schemas, as replication requires, could put functions there which other roles would call."""


def create_roles(connection: Connection, schema: Schema, role_secret: str) -> None:
    """Create the owner, which cannot log in, and the running roles with passwords derived from the secret."""
    _create_role(connection, schema.owner)
    # An administrator that is not a superuser must be able to assume the owner role.
    _execute(connection, "GRANT {} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE", schema.owner)
    for role in schema.running_roles:
        _create_role(connection, role)
    set_passwords(connection, schema, role_secret)
    for role in schema.running_roles:
        _execute(connection, f"ALTER ROLE {{}} SET search_path = {SEARCH_PATH}", role)
    for role in schema.limited_roles:
        for setting, value in schema.session.items():
            statement = sql.SQL("ALTER ROLE {} SET {} = {}")
            connection.execute(statement.format(Identifier(role), Identifier(setting), sql.Literal(value)))
    for role in schema.former_roles:
        _create_role(connection, role)
        _execute(connection, "ALTER ROLE {} NOLOGIN", role)
    if schema.replicator is not None:
        # Logical replication requires a role that bypasses row security, reads the WAL and creates subscriptions.
        _execute(connection, "ALTER ROLE {} BYPASSRLS REPLICATION", schema.replicator)
        _execute(connection, "GRANT pg_create_subscription TO {} WITH INHERIT TRUE", schema.replicator)


def set_passwords(connection: Connection, schema: Schema, role_secret: str) -> None:
    """Set the passwords of the running roles, derived from the secret."""
    for role in schema.running_roles:
        _set_password(connection, role, _password(role_secret, role))


def create_schema(connection: Connection, schema: Schema) -> None:
    """Create the schema for its owner. Only its own running roles can use it."""
    if not _exists(connection, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema.name):
        _execute(connection, "CREATE SCHEMA {} AUTHORIZATION {}", schema.name, schema.owner)
    _execute(connection, "REVOKE ALL ON SCHEMA {} FROM PUBLIC", schema.name)
    for role in schema.running_roles:
        _execute(connection, "GRANT USAGE ON SCHEMA {} TO {}", schema.name, role)


def grant_replication(connection: Connection, database: str, schemas: Iterable[Schema]) -> None:
    """Grant the privileges to subscribe and, for the owner of the tables, to publish.

    Repeat it for a database created from a template.
    """
    for schema in schemas:
        if schema.replicator is not None:
            for role in (schema.replicator, schema.owner):
                _execute(connection, "GRANT CREATE ON DATABASE {} TO {}", database, role)


def grant_connect(connection: Connection, database: str, roles: Iterable[str]) -> None:
    """Restrict connections to these roles and administrators, whose sessions have the search path of all others.

    Repeat it for a database created from a template.
    """
    _execute(connection, f"ALTER DATABASE {{}} SET search_path = {SEARCH_PATH}", database)
    _execute(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
    for role in roles:
        _execute(connection, "GRANT CONNECT ON DATABASE {} TO {}", database, role)


def prepare_public(connection: Connection) -> None:
    """Create the extension that lets `EXCLUDE` compare ids, and revoke the right to create in schema `public`."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public")
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _create_role(connection: Connection, role: str) -> None:
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        _execute(connection, "CREATE ROLE {} NOLOGIN NOINHERIT", role)


def _set_password(connection: Connection, role: str, password: str) -> None:
    # Hashed by the client, so that neither the server's log nor pg_stat_statements contains the password.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(Identifier(role), sql.Literal(verifier.decode())))


def _password(role_secret: str, role: str) -> str:
    try:
        return role_password(role_secret, role)
    except MissingPassword as error:
        raise CommandError(f"{error}: a set-up needs the deployment's secret") from error


def _exists(connection: Connection, query: str, value: str) -> bool:
    return connection.execute(sql.SQL(query), (value,)).fetchone() is not None


def _execute(connection: Connection, statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(Identifier, names)))
