"""Descriptions of the problems of a direction of replication."""

from monolith.cutover.replication.direction import ReplicationDirection, start_command
from monolith.cutover.replication.status import DirectionStatus

BLOCKING = ("insert_exists", "update_exists", "multiple_unique_conflicts")
"""Postgres' names of the conflicts that raise an error, at which the subscriber tries again forever."""


RECOVER = "run `extraction recover`"


def describe_problems(direction: ReplicationDirection, seen: DirectionStatus, max_lag_bytes: int) -> list[str]:
    """Describe each problem of a direction with its remedy; empty if a cutover may rely on it."""
    restart = "run `extraction replicate stop`, then `extraction replicate start --discard-copies`"
    if seen.void:
        # The copies may be the only rows.
        restart = RECOVER
    if seen.wal_status in ("lost", "gone"):
        return [f"{direction}: its slot on the {direction.publisher.name} server is {seen.wal_status}: {restart}"]
    found = []
    if not seen.enabled:
        found.append(
            f"{direction}: the subscription is disabled: see the log of the {direction.subscriber.name} server"
        )
    elif not seen.streaming:
        kept = f"{seen.wal_kept / 1e6:,.0f} MB of WAL retained on the {direction.publisher.name} server"
        left = "no limit" if seen.wal_left is None else f"slot lost after {max(0, seen.wal_left) / 1e6:,.0f} MB more"
        found.append(
            f"{direction}: not streaming ({seen.apply_errors} errors so far); {kept}, {left}: "
            f"see the log of the {direction.subscriber.name} server"
        )
        found += _blocking_conflicts(direction, seen, restart)
    not_ready = sum(count for state, count in seen.tables.items() if state != "ready")
    if not_ready:
        found.append(f"{direction}: {not_ready} tables are not ready yet")
    if seen.leaves_out_rows:
        found.append(
            f"{direction}: the start of replication was interrupted, so changes of some businesses would be left out: "
            f"repeat `{start_command(direction)}`"
        )
    if seen.lag > max_lag_bytes:
        found.append(f"{direction}: {seen.lag / 1e6:,.1f} MB behind")
    return found


def _blocking_conflicts(direction: ReplicationDirection, seen: DirectionStatus, restart: str) -> list[str]:
    """Name the conflicts at which the stream stops until the row is gone; the others are skipped or overwritten."""
    counts = {kind: seen.conflicts.get(kind, 0) for kind in BLOCKING}
    named = ", ".join(f"{kind} {count}" for kind, count in counts.items() if count)
    if not named:
        return []
    subscriber, publisher = direction.subscriber.name, direction.publisher.name
    return [
        (
            f"{direction}: the stream stopped at a conflict ({named}): the {subscriber} database holds a row that the "
            f"{publisher} database wrote too; to make the copies again, {restart}"
        )
    ]
