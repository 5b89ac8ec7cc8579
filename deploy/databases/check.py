"""Check that a database is ready: `check(monolith_target(url, secret))`."""

from collections.abc import Mapping
from typing import Any

import psycopg

from contracts.chassis.credentials import role_url
from contracts.chassis.logins import log_in
from deploy.databases.migrate import is_migrated, open_connection
from deploy.databases.schemas import Schema, Target
from deploy.databases.set_up import connect, database_name
from deploy.errors import CommandError


def check(target: Target) -> None:
    """Raise CommandError, which names the problem and the remedy, unless the product can run on this database.

    The server must answer, every schema must have the version that this code requires, and every running role must be
    able to log in with the password derived from the secret. Changes nothing.
    """
    database_name(target)
    connect(target).close()
    with open_connection(target.url) as connection:
        for schema in target.schemas:
            if not is_migrated(connection, schema):
                raise _migration_error(target, schema)
    for schema in target.schemas:
        for role in schema.running_roles:
            _require_login(target, role, schema.session if role in schema.limited_roles else {})


def _migration_error(target: Target, schema: Schema) -> CommandError:
    return CommandError(
        f"schema {schema.name} of the {target.name} database is not migrated to the version of this code: "
        f"run `extraction db setup {target.name}`"
    )


def _require_login(target: Target, role: str, session: Mapping[str, str]) -> None:
    try:
        with log_in(role_url(target.url, role, target.role_secret), _open) as connection:
            found = {name: _setting(connection, name) for name in session}
    except psycopg.OperationalError as error:
        raise CommandError(
            f"role {role} cannot log in to the {target.name} database with this DATABASE_ROLE_SECRET: "
            f"correct it, or run `extraction db setup {target.name}` to set the roles' passwords"
        ) from error
    if found != session:
        raise CommandError(
            f"sessions of role {role} in the {target.name} database lack their time limits: "
            f"run `extraction db setup {target.name}`"
        )


def _open(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    return psycopg.connect(url, connect_timeout=10)


def _setting(connection: psycopg.Connection[tuple[Any, ...]], name: str) -> str:
    row = connection.execute("SELECT current_setting(%s)", (name,)).fetchone()
    return "" if row is None else str(row[0])
