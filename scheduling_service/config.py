"""What the service's processes are told by their environment, checked once, before anything starts."""

import base64
import binascii
import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self, TypeVar
from urllib.parse import urlsplit

Environment = Mapping[str, str]
C = TypeVar("C")

SHORTEST_SECRET = 16
DEFAULT_THREADS = 8
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ConfigError(Exception):
    """A variable is missing or malformed. One line: which one, and the remedy; never its value if it is a secret."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WebConfig:
    """The HTTP face. `verify_keys` are raw Ed25519 public keys by key id: one, or two while a key is replaced."""

    database_url: str
    role_secret: str = field(repr=False)
    verify_keys: Mapping[str, bytes]
    metrics_token: str = field(repr=False)
    threads: int = DEFAULT_THREADS
    """Of one worker process; also the most connections it holds."""
    metrics_folder: Path | None = None
    """Where the worker processes of one server share their metrics; None when there is only one."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Raises ConfigError."""
        folder = environment.get("PROMETHEUS_MULTIPROC_DIR")
        return cls(
            database_url=_url(environment, "SCHEDULING_DATABASE_URL", "postgresql"),
            role_secret=_secret(environment, "DATABASE_ROLE_SECRET"),
            verify_keys=_verify_keys(environment, "SERVICE_TOKEN_VERIFY_KEYS"),
            metrics_token=_secret(environment, "METRICS_TOKEN"),
            threads=_number(environment, "WEB_THREADS", DEFAULT_THREADS, at_most=256),
            metrics_folder=Path(folder) if folder else None,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class RelayConfig:
    """The relay's own process."""

    database_url: str
    role_secret: str = field(repr=False)
    redis_url: str = field(repr=False)
    metrics_port: int | None = None
    """Where its gauges are served, to this machine only; None: nowhere."""

    @classmethod
    def from_environment(cls, environment: Environment) -> Self:
        """Raises ConfigError."""
        port = "RELAY_METRICS_PORT"
        return cls(
            database_url=_url(environment, "SCHEDULING_DATABASE_URL", "postgresql"),
            role_secret=_secret(environment, "DATABASE_ROLE_SECRET"),
            redis_url=_url(environment, "REDIS_URL", "redis"),
            metrics_port=_number(environment, port, 0, at_most=65535) if environment.get(port) else None,
        )


def load_or_exit(load: Callable[[Environment], C], environment: Environment) -> C:
    """The configuration; or its one line on standard error, and exit code 2."""
    try:
        return load(environment)
    except ConfigError as error:
        print(f"scheduling: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def _required(environment: Environment, name: str, example: str) -> str:
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set: set it to {example}")
    return value


def _url(environment: Environment, name: str, scheme: str) -> str:
    example = f"{scheme}://host:port/database"
    value = _required(environment, name, example)
    try:
        parts = urlsplit(value)
        well_formed = parts.scheme == scheme and parts.hostname and parts.port != 0 and parts.path.strip("/")
    except ValueError:
        well_formed = False
    if not well_formed:
        raise ConfigError(f"{name} is malformed: it must look like {example}")
    return value


def _secret(environment: Environment, name: str) -> str:
    value = _required(environment, name, "a secret of this deployment's own, such as `openssl rand -hex 32` prints")
    if len(value) < SHORTEST_SECRET:
        raise ConfigError(f"{name} is too short: use at least {SHORTEST_SECRET} characters")
    return value


def _verify_keys(environment: Environment, name: str) -> dict[str, bytes]:
    entries = _required(environment, name, "the monolith's public key as kid:base64url").split(",")
    if len(entries) > 2:
        raise ConfigError(f"{name} holds {len(entries)} keys: keep one, or two while a key is replaced")
    keys = dict(_verify_key(name, entry.strip()) for entry in entries)
    if len(keys) != len(entries):
        raise ConfigError(f"{name} holds one key id twice: give each key an id of its own")
    return keys


def _verify_key(name: str, entry: str) -> tuple[str, bytes]:
    key_id, _, encoded = entry.partition(":")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _KEY_ID.fullmatch(key_id) or len(key) != 32:
        raise ConfigError(f"{name} is malformed: each key is kid:base64url of a raw 32-byte Ed25519 public key")
    return key_id, key


def _number(environment: Environment, name: str, default: int, *, at_most: int) -> int:
    value = environment.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", value) or not 1 <= int(value) <= at_most:
        raise ConfigError(f"{name} is malformed: it must be a whole number from 1 to {at_most}")
    return int(value)
