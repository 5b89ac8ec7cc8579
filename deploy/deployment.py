"""The deployment that a command addresses: the one named by the environment, or the demo running in this folder."""

import os
from collections.abc import Mapping

from contracts.chassis.settings import ConfigError, direct_url_setting, file_setting, role_secret
from contracts.scheduling.values import DatabaseName
from deploy.devstack.environment import running_stack_environment, running_stack_uses
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError
from monolith.shared.database import DatabaseUnavailable


def deployment_environment(deployment: str) -> Mapping[str, str]:
    """Return the environment of `monolith` or `scheduling`. Raises CommandError.

    Taken from MONOLITH_DATABASE_URL and its siblings when they are set, else from the running demo. The secret may be
    omitted for a database that the running demo uses. SCHEDULING_DATABASE_ROLE_SECRET takes precedence over
    DATABASE_ROLE_SECRET for the service, whose secret differs from the monolith's.
    """
    data = read_settings(os.environ).data
    url = os.environ.get(f"{deployment.upper()}_DATABASE_URL")
    secret = _secret_of(deployment)
    if not url or (not secret and running_stack_uses(data, deployment, url)):
        return running_stack_environment(data, deployment)
    if not secret:
        raise CommandError(f"DATABASE_ROLE_SECRET is not set: set it to the secret of the {deployment} deployment")
    return {**os.environ, "DATABASE_ROLE_SECRET": secret}


def _secret_of(deployment: str) -> str | None:
    for name in (f"{deployment.upper()}_DATABASE_ROLE_SECRET", "DATABASE_ROLE_SECRET"):
        if os.environ.get(name) or os.environ.get(file_setting(name)):
            try:
                return role_secret(os.environ, name)
            except ConfigError as error:
                raise CommandError(str(error)) from error
    return None


def direct_url(deployment: str, environment: Mapping[str, str]) -> str:
    """Return the URL of the database past a connection pooler, from an environment of `deployment_environment`."""
    setting = _url_setting(deployment)
    return environment.get(direct_url_setting(setting)) or environment[setting]


def administrator_url(name: DatabaseName) -> str:
    """Return the direct URL of a database with an administrator's credentials. Raises CommandError.

    SCHEDULING_2_DATABASE_URL is the setting of `scheduling-2`. The demo has the first two databases only.
    """
    setting = _url_setting(name)
    if os.environ.get(setting):
        return direct_url(name, os.environ)
    if name not in ("monolith", "scheduling"):
        raise CommandError(
            f"{setting} is not set: set it to the address of the {name} database with an administrator's credentials"
        )
    return running_stack_environment(read_settings(os.environ).data, "administrator")[setting]


def _url_setting(name: DatabaseName) -> str:
    return f"{name.upper().replace('-', '_')}_DATABASE_URL"


def unreachable_database(name: str, error: DatabaseUnavailable) -> CommandError:
    """The error of a command whose database is unreachable."""
    cause = getattr(error.__cause__, "orig", None) or error.message
    return CommandError(
        f"the {name} database cannot be used ({' '.join(str(cause).split())}): start it, "
        f"or run `extraction db check {name}`"
    )
