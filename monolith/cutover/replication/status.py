"""The status of replication, as it was read."""

from msgspec import Struct


class DirectionStatus(Struct, frozen=True):
    """The state of one direction. All sizes are in bytes.

    `wal_kept` is the WAL that the publisher's server retains for the subscriber; `wal_left` is how much more it may
    retain before it invalidates the slot (None: no limit); `lag` is the WAL that the subscriber has not confirmed, up
    to the position `wal_end` of the publisher. `conflicts` counts applied changes that met another row than expected,
    by Postgres' name of the conflict. With `leaves_out_rows`, the start of replication was interrupted. `void`: a lease
    in one of the two databases waits for a recovery. A direction that is not `reachable` has no other information.
    """

    direction: str
    subscribed: bool
    reachable: bool = True
    enabled: bool = False
    streaming: bool = False
    wal_end: int = 0
    wal_kept: int = 0
    wal_left: int | None = None
    wal_status: str = ""
    lag: int = 0
    tables: dict[str, int] = {}
    apply_errors: int = 0
    sync_errors: int = 0
    conflicts: dict[str, int] = {}
    leaves_out_rows: bool = False
    void: bool = False
    problems: tuple[str, ...] = ()


class ReplicationStatus(Struct, frozen=True):
    """The status of one pair, or of several. `recoveries` names databases that wait for a recovery, with the remedy."""

    directions: tuple[DirectionStatus, ...]
    recoveries: tuple[str, ...] = ()

    @property
    def has_begun(self) -> bool:
        """Whether a subscription exists, or might: a database cannot be read."""
        return any(each.subscribed or not each.reachable for each in self.directions)

    @property
    def problems(self) -> list[str]:
        return [*self.recoveries, *(problem for each in self.directions for problem in each.problems)]
