"""Token buckets in Redis or Valkey, which all processes share."""

import logging
import time
from threading import Lock
from typing import Final

import redis

from contracts.chassis.credentials import without_credentials
from contracts.chassis.redis_client import connect
from monolith.shared.rate_limits.limits import Attempt, Buckets
from monolith.shared.rate_limits.local_buckets import LocalBuckets

LONGEST_SECONDS: Final = 0.05
"""The longest wait for Redis. A request should not notice that it is slow or silent."""
PAUSE_SECONDS: Final = 10.0
"""After a failure, Redis is not asked for this long; then one request asks again."""
_PREFIX: Final = "rate-limit:"

_log = logging.getLogger("monolith.rate_limits")

# All buckets are charged, or none. The clock of Redis decides, so that those of the processes may differ.
CHARGE = """
local time = redis.call('TIME')
local now, longest, restored = time[1] + time[2] / 1000000, 0, {}
for i, key in ipairs(KEYS) do
  local cost, allowance = tonumber(ARGV[2 * i - 1]), tonumber(ARGV[2 * i])
  local before = math.max(tonumber(redis.call('GET', key) or 0), now)
  longest = math.max(longest, before - allowance - now)
  restored[i] = before + cost
end
if longest > 0 then return string.format('%.6f', longest) end
for i, key in ipairs(KEYS) do
  redis.call('SET', key, string.format('%.6f', restored[i]), 'PX', math.ceil((restored[i] - now) * 1000))
end
return '0'
"""


def buckets_in(redis_url: str | None) -> Buckets:
    """Return buckets in this Redis; without one, in the memory of this process."""
    return LocalBuckets() if redis_url is None else SharedBuckets(redis_url)


class SharedBuckets:
    """Implements `Buckets` for all processes that use the same Redis. Thread-safe.

    While Redis fails or does not answer in time, this process counts alone, with the same limits: an outage refuses no
    one, and an attack during it is still limited.
    """

    def __init__(self, redis_url: str) -> None:
        """Does not connect."""
        self._where = without_credentials(redis_url)
        self._charge = connect(redis_url, seconds=LONGEST_SECONDS).register_script(CHARGE)
        self._local = LocalBuckets()
        self._lock = Lock()
        self._asks_again_at: float | None = None

    def charge(self, *attempts: Attempt, count: int = 1) -> float:
        if not self._may_ask():
            return self._local.charge(*attempts, count=count)
        keys = [f"{_PREFIX}{limit.kind}:{subject}" for limit, subject in attempts]
        costs = [(limit.seconds * count, limit.allowance.total_seconds()) for limit, _ in attempts]
        arguments = [number for cost in costs for number in cost]
        try:
            wait = float(self._charge(keys=keys, args=arguments))
        except redis.RedisError as error:
            self._failed(error)
            return self._local.charge(*attempts, count=count)
        self._succeeded()
        return wait

    def _may_ask(self) -> bool:
        """Return whether Redis has not failed recently. After a pause, one request finds out whether it is back."""
        if self._asks_again_at is None:
            return True
        with self._lock:
            now = time.monotonic()
            if self._asks_again_at is not None and now < self._asks_again_at:
                return False
            self._asks_again_at = now + PAUSE_SECONDS
            return True

    def _failed(self, error: redis.RedisError) -> None:
        if self._asks_again_at is None:
            _log.warning("Redis at %s failed (%s): this process counts alone until it answers", self._where, error)
        self._asks_again_at = time.monotonic() + PAUSE_SECONDS

    def _succeeded(self) -> None:
        if self._asks_again_at is not None:
            self._asks_again_at = None
            _log.warning("Redis at %s answers again", self._where)
