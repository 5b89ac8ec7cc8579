"""Compare acknowledged results with the database: each is stored exactly once, and every booking has a request."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from loadtests.harness.traffic.open_loop import TrafficRecord
from monolith.cutover.databases import Connection

SUCCESS_OR_CONFLICT = (200, 201, 409)


@dataclass(frozen=True)
class LedgerReport:
    """`failed` counts requests whose first response was neither a success nor a conflict.

    `lost`, `duplicated` and `unasked` hold one entry per finding: a description of an acknowledged result that the
    database contradicts, a description of a double booking, the id of a booking that no request explains.
    """

    requests: int
    writes: int
    failed: int
    lost: tuple[str, ...]
    duplicated: tuple[str, ...]
    unasked: tuple[str, ...]

    @property
    def clean(self) -> bool:
        return not (self.lost or self.duplicated or self.unasked)


def check_ledger(
    records: Sequence[TrafficRecord], db: Connection, business_id: UUID, names: Sequence[str]
) -> LedgerReport:
    """Check the traffic of these names, whose bookings carry the name as a note, in the owning database."""
    rows = db.execute(
        """
        SELECT appointment_id::text, status, version, provider_id::text, starts_at, ends_at
          FROM scheduling.appointment WHERE business_id = %s AND note = ANY (%s)
        """,
        (business_id, list(names)),
    ).fetchall()
    stored = {row[0]: row for row in rows}
    acknowledged = _last_acknowledged(records)
    return LedgerReport(
        requests=len(records),
        writes=sum(record.kind != "read" for record in records),
        failed=sum(not succeeded(record) for record in records),
        lost=tuple(_describe_loss(each, stored) for each in acknowledged.values() if not _is_stored(each, stored)),
        duplicated=tuple(_double_bookings(rows)),
        unasked=tuple(appointment_id for appointment_id in stored if appointment_id not in acknowledged),
    )


def succeeded(record: TrafficRecord) -> bool:
    """Return whether the client's first response was a success or a conflict."""
    return record.status in SUCCESS_OR_CONFLICT


def _last_acknowledged(records: Sequence[TrafficRecord]) -> dict[str, TrafficRecord]:
    """Return, by appointment, the record with the highest version."""
    last: dict[str, TrafficRecord] = {}
    for record in records:
        if record.appointment_id and (
            record.appointment_id not in last or last[record.appointment_id].version < record.version
        ):
            last[record.appointment_id] = record
    return last


def _is_stored(record: TrafficRecord, stored: dict[str, Any]) -> bool:
    row = stored.get(record.appointment_id)
    return row is not None and (row[1], row[2]) == (record.state, record.version)


def _describe_loss(record: TrafficRecord, stored: dict[str, Any]) -> str:
    row = stored.get(record.appointment_id)
    found = "is missing" if row is None else f"is {row[1]} in version {row[2]}"
    return f"{record.appointment_id} was acknowledged as {record.state} in version {record.version} and {found}"


def _double_bookings(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    found: list[str] = []
    until: dict[str, Any] = {}
    for appointment_id, status, _, provider_id, starts_at, ends_at in sorted(rows, key=lambda row: (row[3], row[4])):
        if status != "booked":
            continue
        if provider_id in until and starts_at < until[provider_id]:
            found.append(f"{appointment_id} overlaps another of provider {provider_id}")
        until[provider_id] = max(ends_at, until.get(provider_id, ends_at))
    return found
