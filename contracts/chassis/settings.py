"""Typed settings from environment variables. An invalid setting is reported in one line that contains the remedy."""

import base64
import binascii
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_network
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

from contracts.chassis.credentials import SHORTEST_SECRET, MissingPassword, is_role_secret
from contracts.chassis.database_urls import demands_tls, is_database_url, server_hosts
from contracts.chassis.plaintext import SETTING as PLAINTEXT_HOSTS
from contracts.chassis.plaintext import first_refused
from contracts.chassis.prepared_models import prepare_models
from contracts.chassis.redis_urls import RedisUrl

Environment = Mapping[str, str]
Network = IPv4Network | IPv6Network
C = TypeVar("C")

_SECRET = "a secret of this deployment's own, such as `openssl rand -hex 32` prints"  # noqa: S105
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class ConfigError(Exception):
    """A variable is missing or malformed. The one-line message has its name and the remedy, never a secret's value."""


def load_or_exit(program: str, load: Callable[[Environment], C], environment: Environment) -> C:
    """Load the settings; on an invalid one print its message to standard error and exit with code 2.

    Every process begins with it once all modules are imported, so it also prepares the models for threads.
    """
    prepare_models()
    try:
        return load(environment)
    except (ConfigError, MissingPassword) as error:
        print(f"{program}: {error}", file=sys.stderr)  # noqa: T201
        raise SystemExit(2) from None


def required(environment: Environment, name: str, example: str) -> str:
    """Return a variable that must be set. `example` completes the sentence "set it to ..."."""
    value = environment.get(name, "").strip()
    if not value:
        raise ConfigError(f"{name} is not set: set it to {example}")
    return value


def url(environment: Environment, name: str, example: str) -> str:
    """Return a URL shaped like the example: the same scheme (or its TLS variant), a host, and a path if it has one."""
    value = required(environment, name, example)
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
    if parts.scheme == "http":
        _require_tls(environment, name, [parts.hostname or ""], "https")
    return value.rstrip("/")


def database_url(environment: Environment, name: str) -> str:
    """Return the URL of a Postgres database, on one server or on several that can take over from each other."""
    example = "postgresql://host:port/database"
    value = required(environment, name, example)
    if not is_database_url(value):
        raise ConfigError(f"{name} is malformed: it must look like {example}")
    if not demands_tls(value):
        _require_tls(environment, name, server_hosts(value), "sslmode=verify-full")
    return value.rstrip("/")


def direct_database_url(environment: Environment, name: str) -> str:
    """Return the URL of the same database past a connection pooler; the URL `name` itself unless one is set.

    The setting's name is that of the database's URL with `_DIRECT_URL` in place of `_URL`.
    """
    direct = direct_url_setting(name)
    return database_url(environment, direct if environment.get(direct, "").strip() else name)


def direct_url_setting(name: str) -> str:
    """Return the name of the setting with the direct URL of the database whose URL has this name."""
    return f"{name.removesuffix('_URL')}_DIRECT_URL"


def redis_url(environment: Environment, name: str) -> str:
    """Return the URL of Redis or Valkey: of one server, or of a primary that Sentinels name."""
    example = "redis://host:port/0 or redis+sentinel://host:port,host:port/service/0"
    value = required(environment, name, example).rstrip("/")
    try:
        parsed = RedisUrl.parse(value)
    except ValueError:
        raise ConfigError(f"{name} is malformed: it must look like {example}") from None
    if not parsed.uses_tls:
        _require_tls(environment, name, [host for host, _ in parsed.servers], "rediss")
    return value


def secret(environment: Environment, name: str) -> str:
    """Return a secret of at least 16 characters, from the variable or from the file that `name` with _FILE names."""
    value = _from_file(environment, name) or required(environment, name, _SECRET)
    if len(value) < SHORTEST_SECRET:
        raise ConfigError(f"{name} is too short: use at least {SHORTEST_SECRET} characters")
    return value


def secrets(environment: Environment, name: str) -> tuple[str, ...]:
    """Return one secret, or two during a rotation, separated by a comma; none if the variable is not set."""
    values = tuple(value.strip() for value in environment.get(name, "").split(",") if value.strip())
    if len(values) > 2:
        raise ConfigError(f"{name} holds {len(values)} secrets: keep one, or two during a rotation")
    if any(len(value) < SHORTEST_SECRET for value in values):
        raise ConfigError(f"{name} is too short: use at least {SHORTEST_SECRET} characters for each secret")
    return values


def role_secret(environment: Environment, name: str) -> str:
    """Return the secret of database roles as `contracts.chassis.credentials` reads it; from a file as `secret`."""
    value = secret(environment, name)
    if not is_role_secret(value):
        raise ConfigError(
            f"{name} is malformed: it must be one secret of at least {SHORTEST_SECRET} characters, two separated by a "
            "comma during a rotation, or entries role=password"
        )
    return value


def file_setting(name: str) -> str:
    """Return the name of the setting whose file holds the value of this one."""
    return f"{name}_FILE"


def _from_file(environment: Environment, name: str) -> str:
    setting = file_setting(name)
    path = environment.get(setting, "").strip()
    if not path:
        return ""
    try:
        return Path(path).read_text().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError(f"{setting} is malformed ({path}: {reason}): it must be a readable file") from None


def number(environment: Environment, name: str, default: int, *, at_most: int, at_least: int = 1) -> int:
    """Return a whole number within the bounds."""
    value = environment.get(name, "").strip() or str(default)
    if not re.fullmatch(r"[0-9]{1,9}", value) or not at_least <= int(value) <= at_most:
        raise ConfigError(f"{name} is malformed: it must be a whole number from {at_least} to {at_most}")
    return int(value)


def days(environment: Environment, name: str, default: int, *, at_least: int, at_most: int) -> timedelta:
    """Return a duration given as a whole number of days within the bounds."""
    return timedelta(days=number(environment, name, default, at_least=at_least, at_most=at_most))


def choice(environment: Environment, name: str, default: str, options: Sequence[str]) -> str:
    """Return one of `options`; `default` where the variable is unset or empty."""
    value = environment.get(name, "").strip() or default
    if value not in options:
        raise ConfigError(f"{name} is malformed: it must be one of {', '.join(options)}")
    return value


def networks(environment: Environment, name: str) -> tuple[Network, ...]:
    """Return the comma-separated addresses and networks; none where the variable is unset or empty."""
    entries = [entry.strip() for entry in environment.get(name, "").split(",") if entry.strip()]
    try:
        return tuple(ip_network(entry) for entry in entries)
    except ValueError as error:
        raise ConfigError(f"{name} is malformed ({error}): it must be addresses or networks, comma separated") from None


def _require_tls(environment: Environment, name: str, hosts: Sequence[str], encrypted: str) -> None:
    host = first_refused(environment, hosts)
    if host is not None:
        raise ConfigError(
            f"{name} reaches {host} without TLS: use {encrypted}, or list the host in {PLAINTEXT_HOSTS} if the network "
            "to it is trusted"
        )


def ed25519_key(name: str, entry: str, what: str) -> tuple[str, bytes]:
    """Split `kid:base64url` into the key id and the raw 32-byte key. `what` names the kind of key in the error."""
    key_id, _, encoded = entry.partition(":")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if not _KEY_ID.fullmatch(key_id) or len(key) != 32:
        raise ConfigError(f"{name} is malformed: it must be kid:base64url of a raw 32-byte Ed25519 {what}")
    return key_id, key
