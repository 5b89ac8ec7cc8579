"""Set up or check a database: `python -m deploy.databases setup scheduling`.

The same as `extraction db`, without the command line's packages and without the running demo: each deployable's image
can set up its own database. MONOLITH_DATABASE_URL or SCHEDULING_DATABASE_URL names the database for an administrator,
whose password may also be in PGPASSWORD; DATABASE_ROLE_SECRET is the deployment's.
"""

import os
import sys

from contracts.chassis.settings import Environment, direct_database_url, load_or_exit, role_secret
from deploy.databases.check import check
from deploy.databases.schemas import Target, monolith_target, scheduling_target
from deploy.databases.set_up import set_up
from deploy.errors import CommandError

ACTIONS = {"setup": set_up, "check": check}
DATABASES = ("monolith", "scheduling")
EXIT_USER_ERROR = 2


def monolith_from_environment(environment: Environment) -> Target:
    """Return the monolith's database. Raises ConfigError."""
    return monolith_target(
        direct_database_url(environment, "MONOLITH_DATABASE_URL"), role_secret(environment, "DATABASE_ROLE_SECRET")
    )


def scheduling_from_environment(environment: Environment) -> Target:
    """Return the scheduling service's database. Raises ConfigError."""
    return scheduling_target(
        direct_database_url(environment, "SCHEDULING_DATABASE_URL"), role_secret(environment, "DATABASE_ROLE_SECRET")
    )


def main(arguments: list[str]) -> None:
    """Run one action on one database; exit with code 2 and one line for an error that the user can correct."""
    if len(arguments) != 2 or arguments[0] not in ACTIONS or arguments[1] not in DATABASES:
        sys.stderr.write(f"usage: python -m deploy.databases {'|'.join(ACTIONS)} {'|'.join(DATABASES)}\n")
        sys.exit(EXIT_USER_ERROR)
    action, name = arguments
    load = monolith_from_environment if name == "monolith" else scheduling_from_environment
    target = load_or_exit("databases", load, os.environ)
    try:
        ACTIONS[action](target)
    except CommandError as error:
        sys.stderr.write(f"databases: {error}\n")
        sys.exit(EXIT_USER_ERROR)
    sys.stdout.write(f"the {name} database is ready: {', '.join(schema.name for schema in target.schemas)}\n")


if __name__ == "__main__":
    main(sys.argv[1:])
