"""Settings of the monolith's processes, read from the environment and checked once at the start."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Self

from contracts.chassis.admission import shared_places
from contracts.chassis.credentials import role_url
from contracts.chassis.metrics_server import MetricsAddress
from contracts.chassis.retention import Retention
from contracts.chassis.settings import (
    Environment,
    Network,
    choice,
    database_url,
    days,
    direct_database_url,
    ed25519_key,
    networks,
    number,
    redis_url,
    required,
    role_secret,
    secret,
    url,
)
from contracts.chassis.tracing import TracingSettings
from contracts.scheduling.event_signatures import EventSecrets

DEFAULT_THREADS = 8
ADAPTERS = ("switched", "http")
"""`switched` routes each business to the database that owns it. `http`, for when the extraction is final, sends every
call to the scheduling service; it needs neither the routing table nor a scheduling schema in its database."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The monolith's key for service tokens: a raw Ed25519 private key and its key id."""

    key_id: str
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonolithConfig:
    """Settings of the web process."""

    database_url: str
    role_secret: str = field(repr=False)
    scheduling_service_url: str
    signing_key: SigningKey
    public_url: str
    metrics_token: str = field(repr=False)
    threads: int = DEFAULT_THREADS
    """Threads of one gunicorn worker."""
    trusted_proxies: tuple[Network, ...] = ()
    """Networks of the proxies whose X-Forwarded-For is trusted."""
    metrics_folder: Path | None = None
    """The folder in which the gunicorn workers share their metrics; None if there is only one worker."""
    scheduling_adapter: str = "switched"
    """One of `ADAPTERS`."""
    scheduling_calls_at_once: int = shared_places(DEFAULT_THREADS)
    """Concurrent calls to the scheduling service of one gunicorn worker: the size of the HTTP adapter's bulkhead."""
    direct_database_url: str | None = None
    """The same database past a connection pooler; None for `database_url`."""
    in_process_database_url: str | None = None
    """The database of the engine in this process; None for `database_url`."""
    in_process_direct_url: str | None = None
    """The database of the engine past a connection pooler; None for `in_process_database_url`."""
    search_replica_url: str | None = None
    """A streaming replica that answers searches of the engine in this process; None without one."""
    availability_cache_seconds: int = 0
    """Maximum age of a cached search result; 0 disables the cache."""
    rate_limit_redis_url: str | None = field(default=None, repr=False)
    """The Redis that counts bookings per address and business; None if they are not limited."""
    tracing: TracingSettings | None = None
    """Where traces are sent; None if none are recorded."""

    @property
    def preloaded(self) -> tuple[str, ...]:
        """The modules that `wiring` imports late, to be loaded before gunicorn forks."""
        return () if self.scheduling_adapter == "http" else ("monolith.cutover.wiring",)

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises ConfigError."""
        folder = environment.get("PROMETHEUS_MULTIPROC_DIR")
        threads = number(environment, "WEB_THREADS", DEFAULT_THREADS, at_most=256)
        return cls(
            database_url=database_url(environment, "MONOLITH_DATABASE_URL"),
            role_secret=role_secret(environment, "DATABASE_ROLE_SECRET"),
            scheduling_service_url=url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"),
            signing_key=_signing_key(environment, "SERVICE_TOKEN_SIGNING_KEY"),
            public_url=url(environment, "PUBLIC_URL", "http://host:port"),
            metrics_token=secret(environment, "METRICS_TOKEN"),
            threads=threads,
            trusted_proxies=networks(environment, "TRUSTED_PROXIES"),
            metrics_folder=Path(folder) if folder else None,
            scheduling_adapter=choice(environment, "SCHEDULING_ADAPTER", "switched", ADAPTERS),
            scheduling_calls_at_once=number(
                environment, "SCHEDULING_CALLS_AT_ONCE", shared_places(threads), at_most=256
            ),
            direct_database_url=direct_database_url(environment, "MONOLITH_DATABASE_URL"),
            in_process_database_url=_optional(environment, "IN_PROCESS_DATABASE_URL", database_url),
            in_process_direct_url=_optional(environment, "IN_PROCESS_DATABASE_URL", direct_database_url),
            search_replica_url=_optional(environment, "SEARCH_REPLICA_URL", database_url),
            availability_cache_seconds=number(environment, "AVAILABILITY_CACHE_SECONDS", 0, at_least=0, at_most=60),
            rate_limit_redis_url=_rate_limit_url(environment),
            tracing=TracingSettings.from_environment(environment),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """Settings of the worker, which consumes events, sends mail and completes unfinished sign-ups."""

    database_url: str
    role_secret: str = field(repr=False)
    scheduling_service_url: str
    signing_key: SigningKey
    public_url: str
    redis_url: str = field(repr=False)
    smtp_url: str = field(repr=False)
    scheduling_adapter: str = "switched"
    """One of `ADAPTERS`."""
    retention: Retention = field(default_factory=Retention)
    mail_retention: timedelta = timedelta(days=90)
    """The age from which sent or given-up mails and webhook deliveries, and past reminders, are deleted."""
    outbound_allowed: tuple[Network, ...] = ()
    """Networks that are not public, to which calendars and webhooks may lead nevertheless."""
    direct_database_url: str | None = None
    """As in `MonolithConfig`."""
    in_process_database_url: str | None = None
    """As in `MonolithConfig`."""
    in_process_direct_url: str | None = None
    """As in `MonolithConfig`."""
    event_secrets: EventSecrets | None = None
    """Sign and verify the events in the stream; None if they are not signed."""
    metrics: MetricsAddress | None = None
    """The address on which it serves its metrics; None if they are not served."""
    tracing: TracingSettings | None = None
    """As in `MonolithConfig`."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Read the settings. Raises ConfigError."""
        return cls(
            database_url=database_url(environment, "MONOLITH_DATABASE_URL"),
            role_secret=role_secret(environment, "DATABASE_ROLE_SECRET"),
            scheduling_service_url=url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"),
            signing_key=_signing_key(environment, "SERVICE_TOKEN_SIGNING_KEY"),
            public_url=url(environment, "PUBLIC_URL", "http://host:port"),
            redis_url=redis_url(environment, "REDIS_URL"),
            smtp_url=url(environment, "SMTP_URL", "smtp://host:port"),
            scheduling_adapter=choice(environment, "SCHEDULING_ADAPTER", "switched", ADAPTERS),
            retention=Retention.from_environment(environment),
            event_secrets=EventSecrets.from_environment(environment),
            mail_retention=days(environment, "MAIL_RETENTION_DAYS", 90, at_least=7, at_most=3650),
            outbound_allowed=networks(environment, "OUTBOUND_ALLOWED_NETWORKS"),
            direct_database_url=direct_database_url(environment, "MONOLITH_DATABASE_URL"),
            in_process_database_url=_optional(environment, "IN_PROCESS_DATABASE_URL", database_url),
            in_process_direct_url=_optional(environment, "IN_PROCESS_DATABASE_URL", direct_database_url),
            tracing=TracingSettings.from_environment(environment),
            metrics=MetricsAddress.from_environment(
                environment, port="WORKER_METRICS_PORT", host="WORKER_METRICS_HOST"
            ),
        )


def direct_url(config: MonolithConfig | WorkerConfig) -> str:
    """Return the URL of the monolith's database past any connection pooler."""
    return config.direct_database_url or config.database_url


def engine_direct_url(config: MonolithConfig | WorkerConfig) -> str:
    """Return the URL, past any connection pooler, of the database of the engine in this process."""
    if config.in_process_database_url:
        return config.in_process_direct_url or config.in_process_database_url
    return direct_url(config)


def direct_logins(config: MonolithConfig | WorkerConfig) -> dict[str, str]:
    """Return the direct URLs by setting, each with the credentials of a role that this process uses there."""
    found = {"MONOLITH_DATABASE_DIRECT_URL": role_url(direct_url(config), "platform_app", config.role_secret)}
    if config.in_process_database_url:
        engine = role_url(engine_direct_url(config), "scheduling_app", config.role_secret)
        found["IN_PROCESS_DATABASE_DIRECT_URL"] = engine
    return found


def _signing_key(environment: Environment, name: str) -> SigningKey:
    entry = required(environment, name, "kid:base64url of a raw 32-byte Ed25519 private key")
    return SigningKey(*ed25519_key(name, entry, "private key"))


def _optional(environment: Environment, name: str, read: Callable[[Environment, str], str]) -> str | None:
    return read(environment, name) if environment.get(name, "").strip() else None


def _rate_limit_url(environment: Environment) -> str | None:
    name = "RATE_LIMIT_REDIS_URL"
    return redis_url(environment, name) if environment.get(name, "").strip() else None
