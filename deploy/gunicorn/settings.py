"""Settings of both web servers from the environment; the applications read theirs themselves."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from contracts.chassis.settings import Environment, Network, networks, number


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """Settings that the monolith's web server and the service's have in common."""

    host: str
    workers: int
    threads: int
    """Threads of one worker process."""
    health_port: int | None
    """The port of the health checks' own listener; None if there is none."""
    drain_seconds: int
    """Time between the first SIGTERM, which turns readiness off, and the end of accepting connections."""
    trusted_proxies: tuple[Network, ...]
    """Peers whose X-Forwarded-Proto is accepted. The monolith accepts X-Forwarded-For from the same peers."""
    metrics_folder: Path | None
    """The folder in which the worker processes share their metrics, emptied at the start; None shares none."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Raises ConfigError."""
        folder = environment.get("PROMETHEUS_MULTIPROC_DIR")
        return cls(
            host=environment.get("WEB_HOST", "").strip() or "127.0.0.1",
            workers=number(environment, "WEB_WORKERS", 2, at_most=256),
            threads=number(environment, "WEB_THREADS", 8, at_most=256),
            health_port=health_port(environment),
            drain_seconds=number(environment, "WEB_DRAIN_SECONDS", 0, at_least=0, at_most=300),
            trusted_proxies=networks(environment, "TRUSTED_PROXIES"),
            metrics_folder=Path(folder) if folder else None,
        )


def health_port(environment: Environment) -> int | None:
    """Return the port of the health checks' own listener; None if it is not set. Raises ConfigError."""
    name = "WEB_HEALTH_PORT"
    return number(environment, name, 0, at_most=65535) if environment.get(name, "").strip() else None


def monolith_port(environment: Environment) -> int:
    """Return the port of the monolith's web server. Raises ConfigError."""
    return number(environment, "MONOLITH_PORT", 8000, at_most=65535)


def console_port(environment: Environment) -> int:
    """Return the port of the operator console. Raises ConfigError."""
    return number(environment, "CONSOLE_PORT", 8002, at_most=65535)


def scheduling_port(environment: Environment) -> int:
    """Return the port of the scheduling service's web server. Raises ConfigError."""
    return number(environment, "SCHEDULING_PORT", 8001, at_most=65535)
