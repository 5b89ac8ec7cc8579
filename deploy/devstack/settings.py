"""Settings of the development stack, from the environment."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from contracts.chassis.settings import ConfigError, Environment, database_url, redis_url
from deploy.devstack.ports import HOST
from deploy.errors import CommandError

DEFAULT_PORTS = {
    "MONOLITH_PORT": 8000,
    "SCHEDULING_PORT": 8001,
    "CONSOLE_PORT": 8002,
    "MONOLITH_HEALTH_PORT": 8010,
    "SCHEDULING_HEALTH_PORT": 8011,
    "MONOLITH_POSTGRES_PORT": 5433,
    "SCHEDULING_POSTGRES_PORT": 5434,
    "REDIS_PORT": 6380,
    "SMTP_PORT": 2525,
    "MAIL_PORT": 8025,
}


@dataclass(frozen=True, slots=True)
class Settings:
    """Ports by the name of their setting. A URL is None if the stack starts that server itself."""

    data: Path
    ports: Mapping[str, int]
    monolith_database_url: str | None
    scheduling_database_url: str | None
    redis_url: str | None

    @property
    def logs(self) -> Path:
        """The folder of the logs, one per process."""
        return self.data / "logs"

    @property
    def running(self) -> Path:
        """The folder with the state of the running stack."""
        return self.data / "run"

    @property
    def public_url(self) -> str:
        """The monolith's address for browsers."""
        return f"http://{HOST}:{self.ports['MONOLITH_PORT']}"

    @property
    def scheduling_service_url(self) -> str:
        """The scheduling service's address."""
        return f"http://{HOST}:{self.ports['SCHEDULING_PORT']}"

    @property
    def console_url(self) -> str:
        """The operator console's address for browsers."""
        return f"http://{HOST}:{self.ports['CONSOLE_PORT']}"

    @property
    def mail_url(self) -> str:
        """The address of the mail pages."""
        return f"http://{HOST}:{self.ports['MAIL_PORT']}"

    @property
    def smtp_url(self) -> str:
        """The address of the mail sink's SMTP server."""
        return f"smtp://{HOST}:{self.ports['SMTP_PORT']}"

    def ports_in_use(self) -> Mapping[str, int]:
        """Return the ports that this stack listens on; a server named by a URL has none."""
        given = {
            "MONOLITH_POSTGRES_PORT": self.monolith_database_url,
            "SCHEDULING_POSTGRES_PORT": self.scheduling_database_url,
            "REDIS_PORT": self.redis_url,
        }
        return {setting: port for setting, port in self.ports.items() if not given.get(setting)}


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read the settings. Raises CommandError for an invalid port or URL, and for two servers on one port."""
    settings = Settings(
        data=Path(environment.get("DATA_DIR") or ".data").absolute(),
        ports={name: _port(environment, name, default) for name, default in DEFAULT_PORTS.items()},
        monolith_database_url=_optional(environment, "MONOLITH_DATABASE_URL", database_url),
        scheduling_database_url=_optional(environment, "SCHEDULING_DATABASE_URL", database_url),
        redis_url=_optional(environment, "REDIS_URL", redis_url),
    )
    _refuse_shared_ports(settings.ports_in_use())
    return settings


def _port(environment: Mapping[str, str], name: str, default: int) -> int:
    given = environment.get(name) or str(default)
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= 65_535:
        raise CommandError(f"{name} is {given!r}: a port is a number from 1 to 65535")
    return int(given)


def _optional(environment: Environment, name: str, read: Callable[[Environment, str], str]) -> str | None:
    try:
        return read(environment, name) if environment.get(name) else None
    except ConfigError as error:
        raise CommandError(str(error)) from error


def _refuse_shared_ports(ports: Mapping[str, int]) -> None:
    taken: dict[int, str] = {}
    for name, port in ports.items():
        if port in taken:
            raise CommandError(f"{taken[port]} and {name} are both {port}: set one of them to another port")
        taken[port] = name
