"""Run the operator console, to follow and move businesses."""

import os
import sys
from collections.abc import Mapping
from typing import NoReturn

import click

from deploy.deployment import deployment_environment
from deploy.devstack.environment import inherited, running_stack_environment
from deploy.devstack.ports import HOST, is_free
from deploy.devstack.settings import read_settings
from deploy.errors import PortInUseError

_COPIED = ("SCHEDULING_SERVICE_URL", "PUBLIC_URL", "METRICS_TOKEN", "REDIS_URL", "EVENT_SECRETS")


@click.command()
@click.option("--port", type=click.IntRange(1, 65_535), default=8002, show_default=True, help="Port to listen on.")
def console(port: int) -> None:
    """Run the operator console until Ctrl-C, for the deployment in the environment or the demo in this folder.

    `make demo` runs one already. Operators sign in with an account of their own: see `extraction operator`.
    """
    if not is_free(port):
        raise PortInUseError(port, "the console")
    environment = {**_environment(), "CONSOLE_PORT": str(port)}
    environment.setdefault("CONSOLE_URL", f"http://{HOST}:{port}")
    _become_server(environment)


def _environment() -> dict[str, str]:
    """Return the console's settings: those of the demo, or from the environment. Raises CommandError."""
    if not os.environ.get("MONOLITH_DATABASE_URL"):
        found = dict(running_stack_environment(read_settings(os.environ).data, "console"))
        del found["CONSOLE_URL"]
        return found
    environment = dict(os.environ)
    for name in ("monolith", "scheduling"):
        deployment = deployment_environment(name)
        environment[f"{name.upper()}_DATABASE_URL"] = deployment[f"{name.upper()}_DATABASE_URL"]
        environment[f"{name.upper()}_DATABASE_ROLE_SECRET"] = deployment["DATABASE_ROLE_SECRET"]
        environment |= {each: deployment[each] for each in _COPIED if each in deployment and each not in environment}
    return environment


def _become_server(environment: Mapping[str, str]) -> NoReturn:
    arguments = ["-m", "gunicorn", "-c", "python:deploy.gunicorn.console", "deploy.console.wsgi:app"]
    click.echo(f"the console: {environment['CONSOLE_URL']}")
    sys.stdout.flush()
    os.execve(sys.executable, [sys.executable, *arguments], {**inherited(), **environment})  # noqa: S606
