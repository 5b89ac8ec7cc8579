"""Waiting until an arm has nothing left to do: work that one step leaves would else be measured in the next."""

import time
from collections.abc import Mapping
from typing import Final

from loadtests.harness.cpu_time import cpu_seconds

AT_REST: Final = 0.1
"""Of a core: an arm that uses less has nothing left to do."""
LONGEST_REST_SECONDS: Final = 20.0
_LOOK_EVERY_SECONDS: Final = 0.5


def wait_until_idle(pids: Mapping[str, int]) -> bool:
    """Mails, invoices and events that are still under way. Returns whether it came to rest; it waits no longer than
    LONGEST_REST_SECONDS."""
    until, before = time.monotonic() + LONGEST_REST_SECONDS, sum(cpu_seconds(pids).values())
    while time.monotonic() < until:
        time.sleep(_LOOK_EVERY_SECONDS)
        now = sum(cpu_seconds(pids).values())
        if now - before < AT_REST * _LOOK_EVERY_SECONDS:
            return True
        before = now
    return False
