"""A canary row that is replicated to the other database and back, to test and time both directions."""

import time
from collections.abc import Callable
from typing import NamedTuple

from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import DatabasePair

_POLL_SECONDS = 0.001


class Canary(NamedTuple):
    there_ms: float
    back_ms: float


class CanaryLost(Exception):
    """The canary did not arrive in time; the message names the direction."""


def send_canary(pair: DatabasePair, source: DatabaseName, *, seconds: float = 5.0) -> Canary:
    """Send a canary from one database to the other and back, and delete it. Raises CanaryLost after `seconds` each
    way."""
    here, there = pair.at(source), pair.at(pair.partner_of(source))
    canary_id = uuid7()
    with here.connect() as source_db, there.connect() as target_db:
        source_db.execute(
            "INSERT INTO scheduling.canary (canary_id, sent_at) VALUES (%s, clock_timestamp())", (canary_id,)
        )
        try:
            there_ms = _wait_until(
                lambda: target_db.execute(
                    "SELECT 1 FROM scheduling.canary WHERE canary_id = %s", (canary_id,)
                ).fetchone(),
                f"from {here.name} to {there.name}",
                seconds,
            )
            target_db.execute(
                "UPDATE scheduling.canary SET answered_at = clock_timestamp() WHERE canary_id = %s", (canary_id,)
            )
            back_ms = _wait_until(
                lambda: source_db.execute(
                    "SELECT 1 FROM scheduling.canary WHERE canary_id = %s AND answered_at IS NOT NULL", (canary_id,)
                ).fetchone(),
                f"back from {there.name} to {here.name}",
                seconds,
            )
        finally:
            source_db.execute("DELETE FROM scheduling.canary WHERE canary_id = %s", (canary_id,))
    return Canary(there_ms, back_ms)


def _wait_until(poll: Callable[[], object], direction: str, seconds: float) -> float:
    began = time.monotonic()
    while poll() is None:
        if time.monotonic() - began > seconds:
            raise CanaryLost(f"it did not arrive {direction} within {seconds:g} s")
        time.sleep(_POLL_SECONDS)
    return (time.monotonic() - began) * 1000
