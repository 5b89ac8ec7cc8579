"""The environment that each of the product's processes is given."""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.chassis.credentials import without_credentials
from deploy.devstack.keys import Keys, write_private
from deploy.devstack.settings import DEFAULT_PORTS, Settings
from deploy.errors import CommandError

# Set for each process on its own below, never inherited: the two sides share no credentials.
PRODUCT_SETTINGS = {
    *DEFAULT_PORTS,
    "DATABASE_ROLE_SECRET",
    "METRICS_TOKEN",
    "MONOLITH_DATABASE_ROLE_SECRET",
    "MONOLITH_DATABASE_URL",
    "PROMETHEUS_MULTIPROC_DIR",
    "PUBLIC_URL",
    "REDIS_URL",
    "SCHEDULING_DATABASE_ROLE_SECRET",
    "SCHEDULING_DATABASE_URL",
    "SCHEDULING_SERVICE_URL",
    "SERVICE_TOKEN_SIGNING_KEY",
    "SERVICE_TOKEN_VERIFY_KEYS",
    "SMTP_URL",
}
DESCRIPTION = "environment.json"


@dataclass(frozen=True, slots=True)
class Backends:
    """The servers the product runs on. The database URLs carry an administrator's credentials."""

    monolith_database_url: str
    scheduling_database_url: str
    redis_url: str


def monolith_environment(settings: Settings, keys: Keys, backends: Backends) -> dict[str, str]:
    """For the monolith's web and worker, and for commands that act as it."""
    return {
        "MONOLITH_DATABASE_URL": without_credentials(backends.monolith_database_url),
        "DATABASE_ROLE_SECRET": keys.monolith_role_secret,
        "REDIS_URL": backends.redis_url,
        "SCHEDULING_SERVICE_URL": settings.scheduling_service_url,
        "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        "SMTP_URL": settings.smtp_url,
        "PUBLIC_URL": settings.public_url,
        "METRICS_TOKEN": keys.metrics_token,
        "MONOLITH_PORT": str(settings.ports["MONOLITH_PORT"]),
    }


def scheduling_environment(settings: Settings, keys: Keys, backends: Backends) -> dict[str, str]:
    """For the scheduling service's web and relay."""
    return {
        "SCHEDULING_DATABASE_URL": without_credentials(backends.scheduling_database_url),
        "DATABASE_ROLE_SECRET": keys.scheduling_role_secret,
        "REDIS_URL": backends.redis_url,
        "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
        "METRICS_TOKEN": keys.metrics_token,
        "SCHEDULING_PORT": str(settings.ports["SCHEDULING_PORT"]),
    }


def cutover_daemon_environment(settings: Settings, keys: Keys, backends: Backends) -> dict[str, str]:
    """For the cutover daemon, the only process that connects to both databases."""
    return {
        "MONOLITH_DATABASE_URL": without_credentials(backends.monolith_database_url),
        "MONOLITH_DATABASE_ROLE_SECRET": keys.monolith_role_secret,
        "SCHEDULING_DATABASE_URL": without_credentials(backends.scheduling_database_url),
        "SCHEDULING_DATABASE_ROLE_SECRET": keys.scheduling_role_secret,
        "SCHEDULING_SERVICE_URL": settings.scheduling_service_url,
    }


def mailsink_environment(settings: Settings) -> dict[str, str]:
    """For the mail sink."""
    ports = {name: str(settings.ports[name]) for name in ("SMTP_PORT", "MAIL_PORT")}
    return {"DATA_DIR": str(settings.data), **ports}


def inherited() -> dict[str, str]:
    """What every process gets from the shell: paths, locale, proxies; none of the product's settings."""
    return {name: value for name, value in os.environ.items() if name not in PRODUCT_SETTINGS}


def write_stack_environment(settings: Settings, keys: Keys, backends: Backends) -> None:
    """Leave word of the stack that runs, for commands that are given no settings. It names secrets."""
    description = {
        "monolith": monolith_environment(settings, keys, backends),
        "scheduling": scheduling_environment(settings, keys, backends),
        "administrator": {
            "MONOLITH_DATABASE_URL": backends.monolith_database_url,
            "SCHEDULING_DATABASE_URL": backends.scheduling_database_url,
        },
    }
    write_private(settings.running / DESCRIPTION, json.dumps(description, indent=2))


def running_stack_environment(data: Path, side: str) -> Mapping[str, str]:
    """The environment of ``side`` (monolith, scheduling, administrator) of the stack running in ``data``."""
    try:
        description: dict[str, dict[str, str]] = json.loads((data / "run" / DESCRIPTION).read_text())
    except (FileNotFoundError, NotADirectoryError) as error:
        raise CommandError(f"no demo is running in {data}: start it with `make demo` in another terminal") from error
    return description[side]


def running_stack_uses(data: Path, side: str, url: str) -> bool:
    """Whether the stack running in ``data``, if one does, has the database at ``url`` for ``side``."""
    try:
        return running_stack_environment(data, side)[f"{side.upper()}_DATABASE_URL"] == without_credentials(url)
    except CommandError:
        return False


def remove_stack_environment(settings: Settings) -> None:
    """The stack no longer runs."""
    (settings.running / DESCRIPTION).unlink(missing_ok=True)
