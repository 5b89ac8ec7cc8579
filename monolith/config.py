"""What the monolith's processes are told by their environment, checked once, before anything starts."""

import base64
import binascii
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from ipaddress import ip_network
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

from monolith.shared.middleware.remote import Network

Environment = Mapping[str, str]
C = TypeVar("C")

SHORTEST_SECRET = 16
DEFAULT_THREADS = 8
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ConfigError(Exception):
    """A variable is missing or malformed. One line: which one, and the remedy; never its value if it is a secret."""


@dataclass(frozen=True, slots=True)
class SigningKey:
    """The monolith's key for service tokens: a raw Ed25519 private key, and the id that verifiers know it by."""

    key_id: str
    private_key: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class MonolithConfig:
    """The web process."""

    database_url: str
    role_secret: str = field(repr=False)
    scheduling_service_url: str
    signing_key: SigningKey
    public_url: str
    metrics_token: str = field(repr=False)
    threads: int = DEFAULT_THREADS
    """Of one worker process."""
    trusted_proxies: tuple[Network, ...] = ()
    """Whose X-Forwarded-For is believed."""
    metrics_folder: Path | None = None
    """Where the worker processes of one server share their metrics; None when there is only one."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Raises ConfigError."""
        folder = environment.get("PROMETHEUS_MULTIPROC_DIR")
        return cls(
            database_url=_url(environment, "MONOLITH_DATABASE_URL", "postgresql://host:port/database"),
            role_secret=_secret(environment, "DATABASE_ROLE_SECRET"),
            scheduling_service_url=_url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"),
            signing_key=_signing_key(environment, "SERVICE_TOKEN_SIGNING_KEY"),
            public_url=_url(environment, "PUBLIC_URL", "http://host:port"),
            metrics_token=_secret(environment, "METRICS_TOKEN"),
            threads=_number(environment, "WEB_THREADS", DEFAULT_THREADS, at_most=256),
            trusted_proxies=_networks(environment, "TRUSTED_PROXIES"),
            metrics_folder=Path(folder) if folder else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerConfig:
    """The worker: it follows events, sends mail, and finishes what a request could not."""

    database_url: str
    role_secret: str = field(repr=False)
    scheduling_service_url: str
    signing_key: SigningKey
    public_url: str
    redis_url: str = field(repr=False)
    smtp_url: str = field(repr=False)

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Raises ConfigError."""
        return cls(
            database_url=_url(environment, "MONOLITH_DATABASE_URL", "postgresql://host:port/database"),
            role_secret=_secret(environment, "DATABASE_ROLE_SECRET"),
            scheduling_service_url=_url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"),
            signing_key=_signing_key(environment, "SERVICE_TOKEN_SIGNING_KEY"),
            public_url=_url(environment, "PUBLIC_URL", "http://host:port"),
            redis_url=_url(environment, "REDIS_URL", "redis://host:port/0"),
            smtp_url=_url(environment, "SMTP_URL", "smtp://host:port"),
        )


def load_or_exit(load: Callable[[Environment], C], environment: Environment) -> C:
    """The configuration; or its one line on standard error, and exit code 2."""
    try:
        return load(environment)
    except ConfigError as error:
        print(f"monolith: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def _required(environment: Environment, name: str, example: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set: set it to {example}")
    return value


def _url(environment: Environment, name: str, example: str) -> str:
    value = _required(environment, name, example)
    scheme, _, rest = example.partition("://")
    try:
        parts = urlsplit(value)
        well_formed = (
            parts.scheme in (scheme, f"{scheme}s")
            and bool(parts.hostname)
            and parts.port != 0
            and bool(parts.path.strip("/")) == ("/" in rest)
        )
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ConfigError(f"{name} is malformed: it must look like {example}")
    return value.rstrip("/")


def _secret(environment: Environment, name: str) -> str:
    value = _required(environment, name, "a secret of this deployment's own, such as `openssl rand -hex 32` prints")
    if len(value) < SHORTEST_SECRET:
        raise ConfigError(f"{name} is too short: use at least {SHORTEST_SECRET} characters")
    return value


def _signing_key(environment: Environment, name: str) -> SigningKey:
    form = "kid:base64url of a raw 32-byte Ed25519 private key"
    key_id, _, encoded = _required(environment, name, form).partition(":")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _KEY_ID.fullmatch(key_id) or len(key) != 32:
        raise ConfigError(f"{name} is malformed: it must be {form}")
    return SigningKey(key_id, key)


def _number(environment: Environment, name: str, default: int, *, at_most: int) -> int:
    value = environment.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= at_most:
        raise ConfigError(f"{name} is malformed: it must be a whole number from 1 to {at_most}")
    return int(value)


def _networks(environment: Environment, name: str) -> tuple[Network, ...]:
    entries = [entry.strip() for entry in environment.get(name, "").split(",") if entry.strip()]
    try:
        return tuple(ip_network(entry) for entry in entries)
    except ValueError as error:
        raise ConfigError(f"{name} is malformed ({error}): it must be addresses or networks, comma separated") from None
