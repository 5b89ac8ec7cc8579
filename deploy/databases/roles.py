"""Roles, schemas and grants. Every function may be repeated; none takes anything away from data."""

from collections.abc import Iterable

import psycopg
from psycopg import sql
from psycopg.sql import Identifier

from contracts.chassis.credentials import role_password
from deploy.databases.schemas import Schema

Connection = psycopg.Connection[tuple[object, ...]]


def create_roles(connection: Connection, schema: Schema, role_secret: str) -> None:
    """The owner, which cannot log in, and the running roles with the passwords that the secret gives."""
    _create_role(connection, schema.owner)
    # An administrator that is no superuser has to be able to become the owner.
    _execute(connection, "GRANT {} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE", schema.owner)
    for role in schema.running_roles:
        _create_role(connection, role)
        _set_password(connection, role, role_password(role_secret, role))
    for role in schema.former_roles:
        _create_role(connection, role)
        _execute(connection, "ALTER ROLE {} NOLOGIN", role)
    if schema.replicator is not None:
        # What logical replication asks of a role: to pass by row security, to read the log, and to subscribe.
        _execute(connection, "ALTER ROLE {} BYPASSRLS REPLICATION", schema.replicator)
        _execute(connection, "GRANT pg_create_subscription TO {} WITH INHERIT TRUE", schema.replicator)


def create_schema(connection: Connection, schema: Schema) -> None:
    """The schema, its owner's, usable by its own running roles and by nobody else."""
    if not _exists(connection, "SELECT 1 FROM pg_namespace WHERE nspname = %s", schema.name):
        _execute(connection, "CREATE SCHEMA {} AUTHORIZATION {}", schema.name, schema.owner)
    _execute(connection, "REVOKE ALL ON SCHEMA {} FROM PUBLIC", schema.name)
    for role in schema.running_roles:
        _execute(connection, "GRANT USAGE ON SCHEMA {} TO {}", schema.name, role)


def grant_replication(connection: Connection, database: str, schemas: Iterable[Schema]) -> None:
    """To subscribe in this database, and to publish (which an owner of tables does, at the replicator's call). A
    database made from a template needs this again."""
    for schema in schemas:
        if schema.replicator is not None:
            for role in (schema.replicator, schema.owner):
                _execute(connection, "GRANT CREATE ON DATABASE {} TO {}", database, role)


def grant_connect(connection: Connection, database: str, roles: Iterable[str]) -> None:
    """Only these roles (and administrators) may connect. A database made from a template needs this again."""
    _execute(connection, "REVOKE ALL ON DATABASE {} FROM PUBLIC", database)
    for role in roles:
        _execute(connection, "GRANT CONNECT ON DATABASE {} TO {}", database, role)


def prepare_public(connection: Connection) -> None:
    """The one extension the schemas share: it lets `EXCLUDE` compare ids. Nobody may add to it."""
    connection.execute("CREATE EXTENSION IF NOT EXISTS btree_gist SCHEMA public")
    connection.execute("REVOKE CREATE ON SCHEMA public FROM PUBLIC")


def _create_role(connection: Connection, role: str) -> None:
    if not _exists(connection, "SELECT 1 FROM pg_roles WHERE rolname = %s", role):
        _execute(connection, "CREATE ROLE {} NOLOGIN NOINHERIT", role)


def _set_password(connection: Connection, role: str, password: str) -> None:
    # Hashed here, so that the password itself reaches neither the server's log nor pg_stat_statements.
    verifier = connection.pgconn.encrypt_password(password.encode(), role.encode(), b"scram-sha-256")
    statement = sql.SQL("ALTER ROLE {} LOGIN PASSWORD {}")
    connection.execute(statement.format(Identifier(role), sql.Literal(verifier.decode())))


def _exists(connection: Connection, query: str, value: str) -> bool:
    return connection.execute(sql.SQL(query), (value,)).fetchone() is not None


def _execute(connection: Connection, statement: str, *names: str) -> None:
    connection.execute(sql.SQL(statement).format(*map(Identifier, names)))
