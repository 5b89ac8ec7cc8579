"""What was acknowledged against what stands: every result once, and nothing that nobody asked for."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from loadtests.harness.traffic.open_loop import TrafficRecord
from monolith.cutover.databases import Connection


@dataclass(frozen=True)
class LedgerReport:
    """`failed` are requests whose user saw neither what they asked for nor an honest refusal. `lost` are acknowledged
    results that do not stand, `duplicated` slots held twice, `unasked` rows that no request explains: each in words."""

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
    """`db` is the owning database; `names` are the notes by which the traffic's own bookings are known."""
    rows = db.execute(
        """
        SELECT appointment_id::text, status, version, provider_id::text, starts_at, ends_at
          FROM scheduling.appointment WHERE business_id = %s AND note = ANY (%s)
        """,
        (business_id, list(names)),
    ).fetchall()
    stands = {row[0]: row for row in rows}
    told: dict[str, TrafficRecord] = {}
    for record in records:
        if record.appointment_id and (
            record.appointment_id not in told or told[record.appointment_id].version < record.version
        ):
            told[record.appointment_id] = record
    writes = [record for record in records if record.kind != "read"]
    return LedgerReport(
        requests=len(records),
        writes=len(writes),
        failed=sum(not _honest(record) for record in records),
        lost=tuple(_not_standing(record, stands) for record in told.values() if not _stands(record, stands)),
        duplicated=tuple(_overlaps(rows)),
        unasked=tuple(appointment_id for appointment_id in stands if appointment_id not in told),
    )


def _honest(record: TrafficRecord) -> bool:
    return record.status in (200, 201, 409)


def _stands(record: TrafficRecord, stands: dict[str, Any]) -> bool:
    row = stands.get(record.appointment_id)
    return row is not None and (row[1], row[2]) == (record.state, record.version)


def _not_standing(record: TrafficRecord, stands: dict[str, Any]) -> str:
    row = stands.get(record.appointment_id)
    found = "is not there" if row is None else f"is {row[1]} in version {row[2]}"
    return f"{record.appointment_id} was told to be {record.state} in version {record.version} and {found}"


def _overlaps(rows: Sequence[tuple[Any, ...]]) -> list[str]:
    found: list[str] = []
    until: dict[str, Any] = {}
    for appointment_id, status, _, provider_id, starts_at, ends_at in sorted(rows, key=lambda row: (row[3], row[4])):
        if status != "booked":
            continue
        if provider_id in until and starts_at < until[provider_id]:
            found.append(f"{appointment_id} overlaps another of provider {provider_id}")
        until[provider_id] = max(ends_at, until.get(provider_id, ends_at))
    return found
