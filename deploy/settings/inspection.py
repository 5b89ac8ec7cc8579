"""Learn from a process's own code which settings it reads, which it requires and which values it accepts."""

import base64
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from contracts.chassis.settings import ConfigError
from deploy.settings.processes import Process

_DATABASE = "postgresql://127.0.0.1:5432/example"
_SERVICE = "http://127.0.0.1:8001"
_KEY = f"example:{base64.urlsafe_b64encode(bytes(32)).decode().rstrip('=')}"
_SECRET = "an-example-secret"  # noqa: S105 (opens nothing)

VALID: Mapping[str, str] = {
    "CONSOLE_URL": "https://console.example.com",
    "CUTOVER_METRICS_PORT": "9000",
    "DATABASE_ROLE_SECRET": _SECRET,
    "IN_PROCESS_DATABASE_URL": _DATABASE,
    "METRICS_TOKEN": _SECRET,
    "MONOLITH_DATABASE_ROLE_SECRET": _SECRET,
    "MONOLITH_DATABASE_URL": _DATABASE,
    "PUBLIC_URL": "https://example.com",
    "REDIS_URL": "redis://127.0.0.1:6379/0",
    "RELAY_METRICS_PORT": "9000",
    "SCHEDULING_DATABASE_ROLE_SECRET": _SECRET,
    "SCHEDULING_DATABASE_URL": _DATABASE,
    "SCHEDULING_SERVICE_URL": _SERVICE,
    "SERVICE_TOKEN_SIGNING_KEY": _KEY,
    "SERVICE_TOKEN_VERIFY_KEYS": _KEY,
    "SMTP_URL": "smtp://127.0.0.1:25",
    "TRACES_URL": "http://127.0.0.1:4318/v1/traces",
    "WORKER_METRICS_PORT": "9000",
}
"""A valid value of each required setting, and of those whose absence hides another."""

_MALFORMED = "?"


@dataclass(frozen=True, slots=True)
class ReadSetting:
    """A setting as a process reads it."""

    name: str
    required: bool
    form: str
    """The values that the process accepts, in its own error message; empty if every text is accepted."""


def read_settings_of(process: Process) -> dict[str, ReadSetting]:
    """Return the settings that the process reads, by name."""
    recorded = _Recorded(VALID)
    load(process, recorded)
    return {name: _inspect(process, name) for name in sorted(recorded.names)}


def load(process: Process, environment: Mapping[str, str]) -> list[object]:
    """Return what each of the process's loaders reads from the environment. Raises ConfigError."""
    return [loader(environment) for loader in process.loaders]


def _inspect(process: Process, name: str) -> ReadSetting:
    missing = _complaint(process, {key: value for key, value in VALID.items() if key != name})
    malformed = _complaint(process, {**VALID, name: _MALFORMED})
    return ReadSetting(name, missing.startswith(f"{name} is not set"), _form(missing) or _form(malformed))


def _complaint(process: Process, environment: Mapping[str, str]) -> str:
    try:
        load(process, environment)
    except ConfigError as error:
        return str(error)
    return ""


def _form(complaint: str) -> str:
    """Cut the description of valid values from an error: what follows "set it to" or "must be"."""
    for introduction in ("set it to ", "it must look like ", "it must be ", "use "):
        _, found, form = complaint.partition(introduction)
        if found:
            return form
    return ""


class _Recorded(Mapping[str, str]):
    """An environment that records the names that are looked up."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> str:
        self.names.add(name)
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)
