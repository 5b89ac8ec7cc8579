"""The replication slot of one direction."""

from typing import NamedTuple

from monolith.cutover.databases import Connection
from monolith.cutover.replication.direction import ReplicationDirection


class ReplicationSlot(NamedTuple):
    """The slot of a direction: sizes in bytes, as in `DirectionStatus`."""

    active: bool = False
    kept: int = 0
    left: int | None = None
    status: str = "gone"
    lag: int = 0
    wal_end: int = 0


def read_slot(publisher: Connection, direction: ReplicationDirection) -> ReplicationSlot:
    """Return the slot on the publisher's server."""
    slot = publisher.execute(
        """
        SELECT active, coalesce(wal.position - restart_lsn, 0)::bigint, safe_wal_size, coalesce(wal_status, ''),
               coalesce(wal.position - confirmed_flush_lsn, 0)::bigint, (wal.position - '0/0'::pg_lsn)::bigint
          FROM pg_replication_slots, (SELECT pg_current_wal_lsn() AS position) AS wal WHERE slot_name = %s
        """,
        (direction.subscription,),
    ).fetchone()
    return ReplicationSlot() if slot is None else ReplicationSlot(*slot)
