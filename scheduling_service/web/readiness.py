"""Readiness of the service: its database answers and is migrated."""

from collections.abc import Callable

from contracts.chassis.readiness import Check
from contracts.scheduling.errors import SchedulingError


def ping_check(ping: Callable[[], None]) -> Check:
    """Return a check that fails with the message of the SchedulingError that `ping` raises."""

    def missing() -> str | None:
        try:
            ping()
        except SchedulingError as error:
            return error.message
        return None

    return Check("Scheduling's database", missing)
