"""A row that goes to the other database and comes back changed: both ways work, and how long they take."""

import time
from collections.abc import Callable
from typing import NamedTuple

from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import SchedulingDatabases, other_database

_LOOK_AGAIN = 0.001


class Canary(NamedTuple):
    there_ms: float
    back_ms: float


class CanaryLost(Exception):
    """It did not arrive in time; says on which way."""


def send_canary(databases: SchedulingDatabases, side: DatabaseName, *, seconds: float = 5.0) -> Canary:
    """From `side` to the other and back, each way within `seconds`. Leaves nothing behind. Raises CanaryLost."""
    here, there = databases.at(side), databases.at(other_database(side))
    canary_id = uuid7()
    with here.connect() as home, there.connect() as abroad:
        home.execute("INSERT INTO scheduling.canary (canary_id, sent_at) VALUES (%s, clock_timestamp())", (canary_id,))
        try:
            there_ms = _until(
                lambda: abroad.execute("SELECT 1 FROM scheduling.canary WHERE canary_id = %s", (canary_id,)).fetchone(),
                f"from {here.name} to {there.name}",
                seconds,
            )
            abroad.execute(
                "UPDATE scheduling.canary SET answered_at = clock_timestamp() WHERE canary_id = %s", (canary_id,)
            )
            back_ms = _until(
                lambda: home.execute(
                    "SELECT 1 FROM scheduling.canary WHERE canary_id = %s AND answered_at IS NOT NULL", (canary_id,)
                ).fetchone(),
                f"back from {there.name} to {here.name}",
                seconds,
            )
        finally:
            home.execute("DELETE FROM scheduling.canary WHERE canary_id = %s", (canary_id,))
    return Canary(there_ms, back_ms)


def _until(look: Callable[[], object], way: str, seconds: float) -> float:
    began = time.monotonic()
    while look() is None:
        if time.monotonic() - began > seconds:
            raise CanaryLost(f"it did not arrive {way} within {seconds:g} s")
        time.sleep(_LOOK_AGAIN)
    return (time.monotonic() - began) * 1000
