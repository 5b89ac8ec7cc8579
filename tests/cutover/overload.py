"""Distinguish an overloaded machine from a cutover that delays requests.

Cutovers promise that reads never wait and that writes wait for less than their deadline. On an overloaded machine some
requests exceed their deadline with or without a cutover. The control is the same traffic outside any pause (from a
cutover's fence to its end):

- A late request that had met no pause by the time it had waited for `USUAL_SECONDS` was not delayed by a cutover.
- Late requests occur together: a slow one keeps others waiting. Those sent in quick succession are one episode, and the
  first of them determines where it began.
- Overload begins episodes anywhere. If more of them began at a pause than chance explains, the cutovers are the cause;
  also if a request exceeded its deadline at a pause while nothing was late outside, shortly before or after.

A read that admission refused after it had waited is late, like one whose deadline passed. Any other error that a client
receives is a broken promise, whatever the state of the machine.
"""

import re
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from math import comb
from typing import Literal, NamedTuple

from contracts.chassis.admission import TARGET_SECONDS
from contracts.scheduling.operations import operation_of
from contracts.scheduling.port import SchedulingPort
from loadtests.harness.cutovers import WritePause
from loadtests.harness.traffic.ledger import LedgerReport
from loadtests.harness.traffic.open_loop import REQUEST_SECONDS, TrafficRecord
from monolith.cutover.store.cutovers import Cutover

DEADLINES = {
    "read": operation_of(SchedulingPort.search_slots).budget_ms,
    "book": operation_of(SchedulingPort.book).budget_ms,
    "cancel": operation_of(SchedulingPort.cancel).budget_ms,
}
"""In milliseconds, by the kind of a request."""
USUAL_SECONDS = 0.05
"""Most requests complete within this time unless something delays them."""
QUIET_SECONDS = 0.5
"""The time between two episodes: less than between the pauses of two cutovers."""
NEARBY_SECONDS = 5.0
"""The time between a late request at a pause and one outside, if overload may have delayed both."""
BY_CHANCE = 0.01
"""A less probable result is not attributed to chance."""
MOST_LATE = 0.01
"""The share of requests that may exceed their deadline. Above it, the traffic shows nothing about the cutovers."""

Finding = Literal["kept", "overloaded machine", "too overloaded to judge", "broken promise"]


class OverloadedMachine(UserWarning):
    """The promises held as far as this machine could tell."""


class Judgement(NamedTuple):
    finding: Finding
    reason: str

    @property
    def acceptable(self) -> bool:
        return self.finding in ("kept", "overloaded machine")

    def __str__(self) -> str:
        return f"{self.finding}: {self.reason}"


def judge_answers(records: Sequence[TrafficRecord], pauses: Sequence[WritePause]) -> Judgement:
    """Judge the first responses to requests during cutovers with these pauses."""
    forbidden = [record for record in records if not (_answered(record) or _exceeded(record))]
    if forbidden:
        return Judgement("broken promise", f"{len(forbidden)} requests failed: {forbidden[:10]}")
    exceeded = [record for record in records if _exceeded(record)]
    if not exceeded:
        return Judgement("kept", f"none of {len(records):,} requests exceeded its deadline")
    return _judge_exceeded(records, exceeded, pauses)


def _judge_exceeded(
    records: Sequence[TrafficRecord], exceeded: Sequence[TrafficRecord], pauses: Sequence[WritePause]
) -> Judgement:
    late = [record for record in records if _late(record)]
    late_outside = [record for record in late if not _met(record, pauses)]
    at_a_pause = [record for record in exceeded if _met(record, pauses)]
    unexplained = [record for record in at_a_pause if not _near(record, late_outside)]
    starts = [_met(record, pauses) for record in _first_of_episodes(late)]
    chance = sum(_met(record, pauses) for record in records) / len(records)
    reason = (
        f"{_by_kind(exceeded, records)} exceeded their deadline, {len(exceeded) - len(at_a_pause)} of them outside any "
        f"cutover, {len(unexplained)} at the pause of one while nothing else was late; {sum(starts)} of {len(starts)} "
        f"episodes began at a pause, where {chance:.0%} of all requests were sent"
    )
    if unexplained or _tail(len(starts), sum(starts), chance) < BY_CHANCE:
        return Judgement("broken promise", reason)
    never_settled = len(_unsettled(records))
    if never_settled or len(exceeded) > MOST_LATE * len(records):
        reason += f"; writes that were never settled: {never_settled}; repeat the test on a machine with less to do"
        return Judgement("too overloaded to judge", reason)
    return Judgement("overloaded machine", reason)


def judge_ledger(records: Sequence[TrafficRecord], ledger: LedgerReport) -> Judgement:
    """Judge whether everything is stored as acknowledged.

    The ledger cannot know the outcome of a write that received no response for as long as the client repeated it.
    """
    if ledger.clean:
        return Judgement("kept", "nothing is lost, duplicated or unrequested")
    unknown = len(_unsettled(records))
    if not ledger.duplicated and len(ledger.lost) + len(ledger.unasked) <= unknown:
        return Judgement("too overloaded to judge", f"{unknown} never settled writes may explain {ledger}")
    return Judgement("broken promise", str(ledger))


def pauses_of(cutovers: Sequence[Cutover]) -> list[WritePause]:
    """Return when writes were paused, including by cutovers that were aborted after their fence."""
    found = []
    for cutover in cutovers:
        at = {step["state"]: step["at"] for step in cutover.steps}
        if "fenced" in at and cutover.settled_at is not None:
            found.append(WritePause(_seconds(at["fenced"]), cutover.settled_at.timestamp()))
    return found


def refused_for_time(problem: str | None) -> bool:
    """Return whether a cutover was refused because something took too long, so that it may be repeated."""
    return _TOOK_TOO_LONG.search(problem or "") is not None


_TOOK_TOO_LONG = re.compile(r"within [\d.]+ s|deadline of [\d.]+ s passed|did not end in time|is \d+ s old")


def _seconds(at: str) -> float:
    return datetime.fromisoformat(at).timestamp()


def _answered(record: TrafficRecord) -> bool:
    return record.status in (200, 201, 409)


def _unsettled(records: Sequence[TrafficRecord]) -> list[TrafficRecord]:
    return [record for record in records if record.kind != "read" and record.final not in (200, 201, 409)]


def _exceeded(record: TrafficRecord) -> bool:
    """Return whether the deadline passed, or the client's own timeout. An early 504 is another error.

    With 503, admission refuses a read that has waited longer than its target. A refusal at once is another error.
    """
    if record.status == 0:
        return record.ms >= REQUEST_SECONDS * 1000
    if record.status == 503 and record.kind == "read":
        return record.ms > TARGET_SECONDS * 1000
    return record.status == 504 and record.ms > 0.9 * DEADLINES[record.kind]


def _late(record: TrafficRecord) -> bool:
    return _exceeded(record) or record.ms > DEADLINES[record.kind] / 2


def _met(record: TrafficRecord, pauses: Sequence[WritePause]) -> bool:
    """Return whether the request was sent during a pause or shortly before one."""
    return any(pause.begins < record.at + USUAL_SECONDS and record.at < pause.ends for pause in pauses)


def _near(record: TrafficRecord, others: Sequence[TrafficRecord]) -> bool:
    return any(abs(record.at - other.at) <= NEARBY_SECONDS for other in others)


def _first_of_episodes(late: Sequence[TrafficRecord]) -> list[TrafficRecord]:
    ordered = sorted(late, key=lambda record: record.at)
    later = (record for before, record in pairwise(ordered) if record.at - before.at > QUIET_SECONDS)
    return [*ordered[:1], *later]


def _tail(trials: int, hits: int, chance: float) -> float:
    """Return the probability of at least this many hits."""
    return sum(comb(trials, n) * chance**n * (1 - chance) ** (trials - n) for n in range(hits, trials + 1))


def _by_kind(some: Sequence[TrafficRecord], among: Sequence[TrafficRecord]) -> str:
    """Format as `3 of 16,703 reads`, and the writes if there are any."""
    parts = []
    for kind, counted in (("reads", True), ("writes", False)):
        n, of = (sum((record.kind == "read") == counted for record in each) for each in (some, among))
        if n or kind == "reads":
            parts.append(f"{n:,} of {of:,} {kind}")
    return " and ".join(parts)
