"""Clients of Redis or Valkey, at one server or at the primary that Sentinels name."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import parse_url
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelManagedSSLConnection

from contracts.chassis.redis_urls import RedisUrl, server_url


def connect(
    redis_url: str, *, seconds: float = 2.0, decode_responses: bool = False, encoding_errors: str = "strict"
) -> Any:
    """Return a redis.Redis with short timeouts that never repeats a command: a repeated XADD would append twice.

    It connects when it is first used, waits for a reply for at most `seconds`, and returns bytes unless
    `decode_responses`. `encoding_errors` is as in `bytes.decode`, for replies that may not be UTF-8.

    Behind Sentinels, a connection leads to the primary that they name when it is opened. After a failover, the next
    command fails, and a later one reaches the new primary.
    """
    common: dict[str, Any] = {"socket_timeout": seconds, "socket_connect_timeout": min(seconds, 1.0), "protocol": 2}
    settings = {**common, "retry": Retry(NoBackoff(), 0), "decode_responses": decode_responses}
    settings["encoding_errors"] = encoding_errors
    url = RedisUrl.parse(redis_url)
    if url.service is None:
        return redis.Redis.from_url(redis_url, **settings)
    given: dict[str, Any] = parse_url(server_url(redis_url))  # type: ignore[no-untyped-call]
    for server_only in ("host", "port", "connection_class"):
        given.pop(server_only, None)
    tls = {name: value for name, value in given.items() if name.startswith("ssl_")} | {"ssl": url.uses_tls}
    sentinel_settings = {**common, **tls, "password": given.pop("sentinel_password", None)}
    sentinel_settings["retry"] = Retry(NoBackoff(), 0)
    sentinels: Any = Sentinel(list(url.servers), sentinel_kwargs=sentinel_settings)  # type: ignore[no-untyped-call]
    if url.uses_tls:
        given["connection_class"] = SentinelManagedSSLConnection
    return sentinels.master_for(url.service, **{**given, **settings})
