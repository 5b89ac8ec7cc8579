"""Settings of the service's processes, read from the environment and checked once, before anything starts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from contracts.chassis.metrics_server import MetricsAddress
from contracts.chassis.retention import Retention
from contracts.chassis.settings import (
    ConfigError,
    Environment,
    database_url,
    direct_database_url,
    ed25519_key,
    number,
    redis_url,
    required,
    role_secret,
    secret,
)
from contracts.chassis.tracing import TracingSettings
from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.values import is_database_name

DEFAULT_THREADS = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """The web process. `verify_keys` are raw Ed25519 public keys by key id: one, or two during a key rotation."""

    database_url: str
    role_secret: str = field(repr=False)
    verify_keys: Mapping[str, bytes]
    metrics_token: str = field(repr=False)
    threads: int = DEFAULT_THREADS
    """Threads, and database connections, per worker process. Its metrics use one more connection."""
    direct_database_url: str | None = None
    """The same database past a connection pooler; None for `database_url`."""
    metrics_folder: Path | None = None
    """The directory in which the worker processes of a server share their metrics; None if there is only one."""
    tracing: TracingSettings | None = None
    """Where traces are sent; None if none are recorded."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises ConfigError."""
        folder = environment.get("PROMETHEUS_MULTIPROC_DIR")
        return cls(
            database_url=database_url(environment, "SCHEDULING_DATABASE_URL"),
            direct_database_url=direct_database_url(environment, "SCHEDULING_DATABASE_URL"),
            role_secret=role_secret(environment, "DATABASE_ROLE_SECRET"),
            verify_keys=_verify_keys(environment, "SERVICE_TOKEN_VERIFY_KEYS"),
            metrics_token=secret(environment, "METRICS_TOKEN"),
            threads=number(environment, "WEB_THREADS", DEFAULT_THREADS, at_most=256),
            metrics_folder=Path(folder) if folder else None,
            tracing=TracingSettings.from_environment(environment),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """The relay process."""

    database_name: str
    """The name under which the monolith knows the database: `scheduling`, unless the service has several."""
    database_url: str
    role_secret: str = field(repr=False)
    redis_url: str = field(repr=False)
    direct_database_url: str | None = None
    """As in `WebConfig`."""
    metrics: MetricsAddress | None = None
    """The address on which it serves its metrics; None if they are not served."""
    retention: Retention = field(default_factory=Retention)
    event_secrets: EventSecrets | None = None
    """Sign the events; None if they are not signed."""
    tracing: TracingSettings | None = None
    """As in `WebConfig`."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises ConfigError."""
        return cls(
            database_name=_database_name(environment, "SCHEDULING_DATABASE_NAME"),
            database_url=database_url(environment, "SCHEDULING_DATABASE_URL"),
            direct_database_url=direct_database_url(environment, "SCHEDULING_DATABASE_URL"),
            role_secret=role_secret(environment, "DATABASE_ROLE_SECRET"),
            redis_url=redis_url(environment, "REDIS_URL"),
            metrics=MetricsAddress.from_environment(environment, port="RELAY_METRICS_PORT", host="RELAY_METRICS_HOST"),
            retention=Retention.from_environment(environment),
            event_secrets=EventSecrets.from_environment(environment),
            tracing=TracingSettings.from_environment(environment),
        )


def _database_name(environment: Environment, name: str) -> str:
    value = environment.get(name, "").strip() or "scheduling"
    if value != "monolith" and is_database_name(value):
        return value
    raise ConfigError(f"{name} is malformed: it must be scheduling, or scheduling-2 and so on")


def _verify_keys(environment: Environment, name: str) -> dict[str, bytes]:
    entries = required(environment, name, "the monolith's public key as kid:base64url").split(",")
    if len(entries) > 2:
        raise ConfigError(f"{name} holds {len(entries)} keys: keep one, or two during a key rotation")
    keys = dict(ed25519_key(name, entry.strip(), "public key") for entry in entries)
    if len(keys) != len(entries):
        raise ConfigError(f"{name} holds the same key id twice: give each key its own id")
    return keys
