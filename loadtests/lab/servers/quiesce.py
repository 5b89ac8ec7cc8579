"""Wait until an arm is idle, so that background work of one measurement does not count in the next."""

import time
from collections.abc import Mapping
from typing import Final

from loadtests.harness.cpu_time import cpu_seconds

IDLE_CORES: Final = 0.1
"""An arm that uses less than this is idle."""
MAX_WAIT_SECONDS: Final = 20.0
_POLL_SECONDS: Final = 0.5


def wait_until_idle(pids: Mapping[str, int]) -> bool:
    """Wait for pending mails, invoices and events, at most MAX_WAIT_SECONDS; return whether the arm became idle."""
    until, before = time.monotonic() + MAX_WAIT_SECONDS, sum(cpu_seconds(pids).values())
    while time.monotonic() < until:
        time.sleep(_POLL_SECONDS)
        now = sum(cpu_seconds(pids).values())
        if now - before < IDLE_CORES * _POLL_SECONDS:
            return True
        before = now
    return False
