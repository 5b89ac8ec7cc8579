"""The work that bookings cause after their response: invoices and mails. When it is done, and how soon it was."""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Final, LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from loadtests.lab.measuring.subject import FreshnessReading
from loadtests.lab.servers.lab_servers import Administrator, LabServers
from loadtests.lab.servers.topologies import Topology

INVOICES, MAILS = "invoices", "mails"
_POLL_SECONDS: Final = 0.5
_BEGINNING: Final = datetime(1970, 1, 1, tzinfo=UTC)

_EVENTS = "SELECT event_id, recorded_at AS at FROM scheduling.outbox WHERE recorded_at >= %s"
_BILLED = "SELECT event_id, applied_at AS at FROM billing.inbox WHERE applied_at >= %s"
# An event is handled when all of its mails are sent; NULL while one of them is not.
_MAILED = """
    SELECT i.event_id, CASE WHEN bool_and(m.message_id IS NULL OR m.state = 'sent')
                            THEN greatest(i.applied_at, max(m.sent_at)) END AS at
      FROM notifications.inbox i
      LEFT JOIN notifications.message m ON m.appointment_id = i.appointment_id AND m.version = i.version
     WHERE i.applied_at >= %s GROUP BY i.event_id, i.applied_at
"""

Moments = Mapping[UUID, datetime | None]


class _Moment(NamedTuple):
    event_id: UUID
    at: datetime | None


class FollowUp(NamedTuple):
    """Times on the databases' clock by event: recorded by scheduling, applied by billing, and all mails sent."""

    recorded: Moments
    billed: Moments
    mailed: Moments

    @property
    def done(self) -> bool:
        return all(self.billed.get(event) and self.mailed.get(event) for event in self.recorded)

    def freshness(self, since: datetime, seconds: float) -> dict[str, FreshnessReading]:
        """Return how many events from `since` on were billed, and their mails sent, within so many seconds.

        What is not done yet is late: ask when that many seconds have passed since the last event.
        """
        recorded = {event: at for event, at in self.recorded.items() if at is not None and at >= since}
        return {
            kind: FreshnessReading(
                expected=len(recorded),
                in_time=sum(_is_within(moments.get(event), at, seconds) for event, at in recorded.items()),
            )
            for kind, moments in ((INVOICES, self.billed), (MAILS, self.mailed))
        }


def read_follow_up(servers: LabServers, topology: Topology, prefix: str, since: datetime | None = None) -> FollowUp:
    """Return the events since then, or all. `prefix` names the arm's databases, as in `database_copies`."""
    owner, begin = topology.owner, since or _BEGINNING
    with servers.administrator(topology.placement[owner], f"{prefix}_{owner}") as db:
        recorded = _read_moments(db, _EVENTS, begin)
    with servers.administrator(topology.placement["monolith"], f"{prefix}_monolith") as db:
        billed, mailed = (_read_moments(db, query, begin) for query in (_BILLED, _MAILED))
    return FollowUp(recorded, billed, mailed)


def wait_for_follow_up(
    servers: LabServers, topology: Topology, prefix: str, *, seconds: float, since: datetime | None = None
) -> FollowUp:
    """Wait until all events are billed and their mails are sent, or for so many seconds; return what is done."""
    until = time.monotonic() + seconds
    while True:
        found = read_follow_up(servers, topology, prefix, since)
        if found.done or time.monotonic() > until:
            return found
        time.sleep(_POLL_SECONDS)


def _read_moments(db: Administrator, query: LiteralString, begin: datetime) -> dict[UUID, datetime | None]:
    rows = db.cursor(row_factory=class_row(_Moment)).execute(query, (begin,)).fetchall()
    return {row.event_id: row.at for row in rows}


def _is_within(moment: datetime | None, begin: datetime, seconds: float) -> bool:
    return moment is not None and moment - begin <= timedelta(seconds=seconds)
