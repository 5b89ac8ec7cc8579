"""Whether a database is there and migrated: `check(monolith(url, secret))`."""

import psycopg

from contracts.chassis.credentials import role_url
from deploy.databases.migrate import is_migrated, open_connection
from deploy.databases.schemas import Schema, Target
from deploy.databases.set_up import connect, database_name
from deploy.errors import CommandError


def check(target: Target) -> None:
    """Raise CommandError, naming thing and remedy, unless the product can run on this database.

    Looks at what a running process would rely on: the server answers, every schema has the version this
    code was written for, and every running role gets in with the password that follows from the secret.
    Changes nothing.
    """
    database_name(target)
    connect(target).close()
    with open_connection(target.url) as connection:
        for schema in target.schemas:
            if not is_migrated(connection, schema):
                raise _unmigrated(target, schema)
    for role in target.running_roles:
        _refuse_wrong_password(target, role)


def _unmigrated(target: Target, schema: Schema) -> CommandError:
    return CommandError(
        f"schema {schema.name} of the {target.name} database does not have the version of this code: "
        f"run `extraction db setup {target.name}`"
    )


def _refuse_wrong_password(target: Target, role: str) -> None:
    try:
        psycopg.connect(role_url(target.url, role, target.role_secret), connect_timeout=10).close()
    except psycopg.OperationalError as error:
        raise CommandError(
            f"role {role} cannot enter the {target.name} database with this DATABASE_ROLE_SECRET: "
            f"correct it, or run `extraction db setup {target.name}` to give the roles new passwords"
        ) from error
