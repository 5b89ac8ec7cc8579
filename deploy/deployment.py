"""Which deployment a command is about: the one that the environment names, or the demo that runs in this folder."""

import os
from collections.abc import Mapping

from deploy.devstack.environment import running_stack_environment, running_stack_uses
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from monolith.shared.database import DatabaseUnavailable


def deployment_environment(side: str) -> Mapping[str, str]:
    """The environment of `monolith` or `scheduling`.

    From MONOLITH_DATABASE_URL and its like when they are set; else what the running demo left word of, which also knows
    the secret of a database of one's own that it runs on. For the service, whose secret is its own,
    SCHEDULING_DATABASE_ROLE_SECRET comes before DATABASE_ROLE_SECRET.
    """
    data = read_settings(os.environ).data
    url = os.environ.get(f"{side.upper()}_DATABASE_URL")
    secret = os.environ.get(f"{side.upper()}_DATABASE_ROLE_SECRET") or os.environ.get("DATABASE_ROLE_SECRET")
    if not url or (not secret and running_stack_uses(data, side, url)):
        return running_stack_environment(data, side)
    if not secret:
        raise CommandError(f"DATABASE_ROLE_SECRET is not set: set it to the secret of the {side} deployment")
    return {**os.environ, "DATABASE_ROLE_SECRET": secret}


def administrator_url(side: str) -> str:
    """The database of `monolith` or `scheduling`, as whoever sets it up enters it."""
    setting = f"{side.upper()}_DATABASE_URL"
    data = read_settings(os.environ).data
    return os.environ.get(setting) or running_stack_environment(data, "administrator")[setting]


def unreachable_database(name: str, error: DatabaseUnavailable) -> CommandError:
    """The one line for a database that does not answer a command."""
    cause = getattr(error.__cause__, "orig", None) or error.message
    return CommandError(
        f"the {name} database cannot be used ({' '.join(str(cause).split())}): start it, "
        f"or run `extraction db check {name}`"
    )
