"""Environment variables of each of the product's processes."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.chassis.credentials import without_credentials
from deploy.devstack.keys import Keys, write_private
from deploy.devstack.settings import DEFAULT_PORTS, Settings
from deploy.errors import CommandError

# Never inherited, but set per process below: the two deployments share no credentials.
PRODUCT_SETTINGS = {
    *DEFAULT_PORTS,
    "CONSOLE_LABEL",
    "CONSOLE_MAIL_DIR",
    "CONSOLE_URL",
    "DATABASE_ROLE_SECRET",
    "EVENT_SECRETS",
    "IN_PROCESS_DATABASE_DIRECT_URL",
    "IN_PROCESS_DATABASE_URL",
    "METRICS_TOKEN",
    "MONOLITH_DATABASE_DIRECT_URL",
    "MONOLITH_DATABASE_ROLE_SECRET",
    "MONOLITH_DATABASE_URL",
    "MONOLITH_WEB_URL",
    "OUTBOUND_ALLOWED_NETWORKS",
    "PROMETHEUS_MULTIPROC_DIR",
    "PUBLIC_URL",
    "RATE_LIMIT_REDIS_URL",
    "REDIS_URL",
    "SCHEDULING_DATABASE_DIRECT_URL",
    "SCHEDULING_DATABASE_NAME",
    "SCHEDULING_DATABASE_ROLE_SECRET",
    "SCHEDULING_DATABASE_URL",
    "SCHEDULING_SERVICE_URL",
    "SEARCH_REPLICA_URL",
    "SERVICE_TOKEN_SIGNING_KEY",
    "SERVICE_TOKEN_VERIFY_KEYS",
    "SMTP_URL",
}
DESCRIPTION = "environment.json"


@dataclass(frozen=True, slots=True)
class Backends:
    """The servers that the product runs on. The database URLs carry an administrator's credentials."""

    monolith_database_url: str
    scheduling_database_url: str
    redis_url: str


def monolith_environment(settings: Settings, keys: Keys, backends: Backends) -> dict[str, str]:
    """Return the environment of the monolith's processes, and of commands that address it."""
    return {
        "MONOLITH_DATABASE_URL": without_credentials(backends.monolith_database_url),
        "DATABASE_ROLE_SECRET": keys.monolith_role_secret,
        "REDIS_URL": backends.redis_url,
        "EVENT_SECRETS": keys.event_secrets,
        "SCHEDULING_SERVICE_URL": settings.scheduling_service_url,
        "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        "SMTP_URL": settings.smtp_url,
        "PUBLIC_URL": settings.public_url,
        # The demo serves one machine only, so its user may try webhooks and calendars on it.
        "OUTBOUND_ALLOWED_NETWORKS": "127.0.0.1/32",
        "METRICS_TOKEN": keys.metrics_token,
        "MONOLITH_PORT": str(settings.ports["MONOLITH_PORT"]),
    }


def scheduling_environment(settings: Settings, keys: Keys, backends: Backends) -> dict[str, str]:
    """Return the environment of the scheduling service's processes."""
    return {
        "SCHEDULING_DATABASE_URL": without_credentials(backends.scheduling_database_url),
        "DATABASE_ROLE_SECRET": keys.scheduling_role_secret,
        "REDIS_URL": backends.redis_url,
        "EVENT_SECRETS": keys.event_secrets,
        "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
        "METRICS_TOKEN": keys.metrics_token,
        "SCHEDULING_PORT": str(settings.ports["SCHEDULING_PORT"]),
    }


def cutover_daemon_environment(settings: Settings, keys: Keys, backends: Backends) -> dict[str, str]:
    """Return the environment of the cutover daemon, which connects to both databases, as the console does."""
    return {
        "MONOLITH_DATABASE_URL": without_credentials(backends.monolith_database_url),
        "MONOLITH_DATABASE_ROLE_SECRET": keys.monolith_role_secret,
        "SCHEDULING_DATABASE_URL": without_credentials(backends.scheduling_database_url),
        "SCHEDULING_DATABASE_ROLE_SECRET": keys.scheduling_role_secret,
        "SCHEDULING_SERVICE_URL": settings.scheduling_service_url,
    }


def console_environment(settings: Settings, keys: Keys, backends: Backends) -> dict[str, str]:
    """Return the environment of the operator console."""
    return {
        **cutover_daemon_environment(settings, keys, backends),
        "CONSOLE_URL": settings.console_url,
        "CONSOLE_PORT": str(settings.ports["CONSOLE_PORT"]),
        "CONSOLE_LABEL": "demo",
        "PUBLIC_URL": settings.public_url,
        "METRICS_TOKEN": keys.metrics_token,
        "REDIS_URL": backends.redis_url,
        "EVENT_SECRETS": keys.event_secrets,
        "CONSOLE_MAIL_DIR": str(settings.data / "mail"),
    }


def mailsink_environment(settings: Settings) -> dict[str, str]:
    """Return the environment of the mail sink."""
    ports = {name: str(settings.ports[name]) for name in ("SMTP_PORT", "MAIL_PORT")}
    return {"DATA_DIR": str(settings.data), **ports}


def inherited() -> dict[str, str]:
    """Return the shell's variables that every process inherits: all except the product's settings."""
    return {name: value for name, value in os.environ.items() if name not in PRODUCT_SETTINGS}


def write_stack_environment(settings: Settings, keys: Keys, backends: Backends) -> None:
    """Describe the running stack in a private file, for commands without settings. The file holds secrets."""
    description = {
        "monolith": monolith_environment(settings, keys, backends),
        "scheduling": scheduling_environment(settings, keys, backends),
        "console": console_environment(settings, keys, backends),
        "administrator": {
            "MONOLITH_DATABASE_URL": backends.monolith_database_url,
            "SCHEDULING_DATABASE_URL": backends.scheduling_database_url,
        },
    }
    write_private(settings.running / DESCRIPTION, json.dumps(description, indent=2))


def running_stack_environment(data: Path, name: str) -> Mapping[str, str]:
    """Return one environment of the stack that runs in ``data``: monolith, scheduling, console or administrator.

    Raises CommandError when none runs.
    """
    try:
        description: dict[str, dict[str, str]] = json.loads((data / "run" / DESCRIPTION).read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CommandError(f"no demo is running in {data}: start it with `make demo` in another terminal") from error
    return description[name]


def running_stack_uses(data: Path, deployment: str, url: str) -> bool:
    """Return whether a stack runs in ``data`` and uses the database at ``url`` for ``deployment``."""
    try:
        running = running_stack_environment(data, deployment)
    except CommandError:
        return False
    return running[f"{deployment.upper()}_DATABASE_URL"] == without_credentials(url)


def remove_stack_environment(settings: Settings) -> None:
    """Remove the description: the stack no longer runs."""
    (settings.running / DESCRIPTION).unlink(missing_ok=True)
