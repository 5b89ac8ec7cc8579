"""Every process of the product: its command, and the functions that read its settings."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from contracts.chassis.settings import Environment
from deploy.console.config import ConsoleConfig
from deploy.databases.__main__ import monolith_from_environment, scheduling_from_environment
from deploy.gunicorn.settings import ServerSettings, console_port, monolith_port, scheduling_port
from monolith.config import MonolithConfig, WorkerConfig
from monolith.cutover.daemon import settings_from
from scheduling_service.config import RelayConfig, WebConfig

Loader = Callable[[Environment], object]


@dataclass(frozen=True, slots=True)
class Process:
    """A process. `command` starts it in an image and on a machine; `loaders` raise ConfigError."""

    name: str
    command: tuple[str, ...]
    loaders: tuple[Loader, ...]
    port_setting: str | None = None
    """The setting with the port on which it serves HTTP."""
    roles: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """The database roles whose passwords it needs, by database; a set-up needs the secret itself."""


def _gunicorn(deployment: str, application: str) -> tuple[str, ...]:
    return ("gunicorn", "-c", f"python:deploy.gunicorn.{deployment}", application)


_MODULES = ("platform_app", "auth_app", "billing_app", "notifications_app", "cutover_app", "scheduling_app")
_WORKER = ("calendars_worker", "notifications_sender", "scheduling_relay", "scheduling_operator")
_MOVERS = ("scheduling_mover", "scheduling_replicator")

PROCESSES: Sequence[Process] = (
    Process(
        "monolith web",
        _gunicorn("monolith", "monolith.wsgi:app"),
        (MonolithConfig.from_environment, ServerSettings.from_environment, monolith_port),
        "MONOLITH_PORT",
        {"monolith": (*_MODULES, "calendars_app")},
    ),
    Process(
        "monolith worker",
        ("python", "-m", "monolith.worker"),
        (WorkerConfig.from_environment,),
        "WORKER_METRICS_PORT",
        {"monolith": (*_MODULES, *_WORKER)},
    ),
    Process(
        "cutover daemon",
        ("python", "-m", "monolith.cutover.daemon"),
        (settings_from,),
        "CUTOVER_METRICS_PORT",
        {"monolith": ("cutover_controller", *_MOVERS), "scheduling": _MOVERS},
    ),
    Process(
        "console",
        _gunicorn("console", "deploy.console.wsgi:app"),
        (ConsoleConfig.from_environment, ServerSettings.from_environment, console_port),
        "CONSOLE_PORT",
        {
            "monolith": (*_MODULES, "cutover_controller", *_MOVERS, "scheduling_relay", "scheduling_operator"),
            "scheduling": (*_MOVERS, "scheduling_relay", "scheduling_operator"),
        },
    ),
    Process(
        "scheduling web",
        _gunicorn("scheduling", "scheduling_service.wsgi:app"),
        (WebConfig.from_environment, ServerSettings.from_environment, scheduling_port),
        "SCHEDULING_PORT",
        {"scheduling": ("scheduling_app",)},
    ),
    Process(
        "scheduling relay",
        ("python", "-m", "scheduling_service.relay"),
        (RelayConfig.from_environment,),
        "RELAY_METRICS_PORT",
        {"scheduling": ("scheduling_app", "scheduling_relay", "scheduling_operator")},
    ),
    Process(
        "monolith set-up",
        ("python", "-m", "deploy.databases", "setup", "monolith"),
        (monolith_from_environment,),
    ),
    Process(
        "scheduling set-up",
        ("python", "-m", "deploy.databases", "setup", "scheduling"),
        (scheduling_from_environment,),
    ),
)
"""In the order of the architecture page, then the set-up of each database."""

BY_COMMAND = {process.command: process for process in PROCESSES}

COMMAND_SETTINGS = (
    *("MONOLITH_DATABASE_URL", "MONOLITH_DATABASE_ROLE_SECRET", "SCHEDULING_DATABASE_URL"),
    *("SCHEDULING_DATABASE_ROLE_SECRET", "DATABASE_ROLE_SECRET", "SCHEDULING_SERVICE_URL", "REDIS_URL"),
    *("EVENT_SECRETS", "PUBLIC_URL"),
    *("MONOLITH_DATABASE_DIRECT_URL", "SCHEDULING_DATABASE_DIRECT_URL", "PLAINTEXT_HOSTS"),
    *("MONOLITH_SEEN_FROM_SCHEDULING", "SCHEDULING_SEEN_FROM_MONOLITH"),
)
"""What the `extraction` command reads; it needs those of the databases that the subcommand uses."""

DEMO_SETTINGS = (
    *("DATA_DIR", "MONOLITH_PORT", "SCHEDULING_PORT", "CONSOLE_PORT", "MONOLITH_POSTGRES_PORT"),
    *(
        "SCHEDULING_POSTGRES_PORT",
        "MONOLITH_HEALTH_PORT",
        "SCHEDULING_HEALTH_PORT",
        "REDIS_PORT",
        "SMTP_PORT",
        "MAIL_PORT",
        "PLAINTEXT_HOSTS",
    ),
    *("MONOLITH_DATABASE_URL", "SCHEDULING_DATABASE_URL", "REDIS_URL"),
)
"""What `make demo` reads; it sets everything else for the processes that it starts."""
