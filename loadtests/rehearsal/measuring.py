"""How long customers were without service, from the records of the traffic."""

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

from loadtests.harness.traffic.ledger import succeeded
from loadtests.harness.traffic.open_loop import TrafficRecord

Kind = Literal["reads", "writes"]
UNSETTLED = frozenset({0, 500, 502, 503, 504})


def longest_outage(records: Iterable[TrafficRecord], kind: Kind, since: float) -> float:
    """Return the longest time, in seconds, in which no request of this kind succeeded, after the moment `since`.

    Requests arrive all the time, at intervals of about a tenth of a second; so this is the time to recover, rounded up.
    """
    completed = sorted(
        record.at + record.ms / 1000
        for record in records
        if (record.kind == "read") == (kind == "reads") and succeeded(record)
    )
    start = max((moment for moment in completed if moment <= since), default=since)
    after = [moment for moment in completed if moment > since]
    return max((later - earlier for earlier, later in pairwise([start, *after])), default=float("inf"))


def unsettled(records: Sequence[TrafficRecord]) -> int:
    """Return how many writes never received a conclusive reply."""
    return sum(record.kind != "read" and record.final in UNSETTLED for record in records)
