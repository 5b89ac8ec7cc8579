"""URLs of Redis or Valkey: one server, or a primary that Sentinels name.

    redis://host:port/0
    redis+sentinel://host1:port,host2:port,host3:port/service/0

With `rediss` in place of `redis`, all connections use TLS. Credentials are those of the servers; a password of the
Sentinels is the parameter `sentinel_password`. Further parameters are those of redis-py, such as `ssl_ca_certs`.
"""

from dataclasses import dataclass
from typing import Self
from urllib.parse import urlsplit

SENTINEL_PORT = 26_379
_SCHEMES = ("redis", "rediss", "redis+sentinel", "rediss+sentinel")


@dataclass(frozen=True, slots=True)
class RedisUrl:
    """The parts of a URL that its scheme decides. `service` is the primary's name among the Sentinels at `servers`."""

    servers: tuple[tuple[str, int], ...]
    uses_tls: bool
    service: str | None = None

    @classmethod
    def parse(cls, value: str) -> Self:
        """Raises ValueError unless the URL has a known scheme, its hosts, and a database's number."""
        parts = urlsplit(value)
        scheme, _, sentinel = parts.scheme.partition("+")
        *service, database = parts.path.strip("/").split("/")
        if parts.scheme not in _SCHEMES or len(service) != bool(sentinel) or not all(service) or not database.isdigit():
            raise ValueError("malformed")
        default = SENTINEL_PORT if sentinel else 6379
        servers = [urlsplit(f"//{each}") for each in parts.netloc.rpartition("@")[2].split(",")]
        if not all(each.hostname and each.port != 0 for each in servers) or (len(servers) > 1 and not sentinel):
            raise ValueError("malformed")
        found = tuple((each.hostname or "", each.port or default) for each in servers)
        return cls(found, scheme == "rediss", service[0] if service else None)


def server_url(value: str) -> str:
    """Return the URL of a Sentinel's service as that of one server, whose host is of no meaning."""
    parts = urlsplit(value)
    user, at, hosts = parts.netloc.rpartition("@")
    return parts._replace(
        scheme=parts.scheme.removesuffix("+sentinel"),
        netloc=f"{user}{at}{hosts.split(',')[0]}",
        path=f"/{parts.path.rpartition('/')[2]}",
    ).geturl()
