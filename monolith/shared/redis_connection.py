"""Connections to Redis or Valkey."""

from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry


def connect(redis_url: str, *, seconds: float = 2.0) -> Any:
    """Return a client without automatic retries, which returns bytes and waits for a reply for at most `seconds`."""
    return redis.Redis.from_url(
        redis_url,
        protocol=2,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=seconds,
        socket_connect_timeout=min(seconds, 1.0),
    )
