"""The rotation of an offering: how often and when each provider was assigned a booking."""

from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

from scheduling_service.engine.database import Connection
from scheduling_service.engine.hours import to_utc


class RotationEntry(NamedTuple):
    """One provider's position. `last_assigned` 0 means never; `passed` is the pass value of stride scheduling."""

    provider_id: UUID
    last_assigned: int
    passed: int


def read_rotation(db: Connection, business_id: UUID, offering_id: UUID) -> list[RotationEntry]:
    """Return the entries of the providers that were ever assigned the offering. Index: primary key."""
    rows = db.query_rows(
        """
        SELECT provider_id, last_assigned, pass
          FROM scheduling.assignment WHERE business_id = $1 AND offering_id = $2
        """,
        (business_id, offering_id),
    )
    return [RotationEntry(*row) for row in rows]


def write_rotation(db: Connection, business_id: UUID, offering_id: UUID, entries: Sequence[RotationEntry]) -> None:
    """Insert or replace these entries; sent with the next statement."""
    db.send_later(
        """
        INSERT INTO scheduling.assignment (business_id, offering_id, provider_id, last_assigned, pass)
        SELECT $1::uuid, $2::uuid, * FROM unnest($3::uuid[], $4::bigint[], $5::bigint[])
            ON CONFLICT (business_id, offering_id, provider_id) DO UPDATE
           SET last_assigned = excluded.last_assigned, pass = excluded.pass
        """,
        (business_id, offering_id, *(list(column) for column in zip(*entries, strict=True))),
    )


def booked_minutes(
    db: Connection, business_id: UUID, providers: Sequence[UUID], interval: tuple[int, int]
) -> dict[UUID, int]:
    """Return each provider's claimed minutes, of claims that begin in the interval. Index: claim_by_time."""
    rows = db.execute(
        """
        SELECT resource_id, sum(date_part('epoch', ends_at - starts_at))::bigint / 60
          FROM scheduling.claim
         WHERE business_id = %s AND resource_id = ANY (%s) AND starts_at >= %s AND starts_at < %s
           AND (expires_at IS NULL OR expires_at > clock_timestamp())
         GROUP BY 1
        """,
        (business_id, list(providers), to_utc(interval[0]), to_utc(interval[1])),
    ).fetchall()
    return dict(rows)
