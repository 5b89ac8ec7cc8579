"""Counts of cutovers and owners, for metrics. Each function is one statement of the role `cutover_controller`."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from monolith.cutover.databases import Connection
from monolith.cutover.states import State


class UnsettledState(NamedTuple):
    """The unsettled cutovers in one state. `oldest_seconds` is since the first of them reached it."""

    state: State
    cutovers: int
    oldest_seconds: float
    overdue_seconds: float
    """How long the fence's deadline has passed, of the one that is most overdue; 0 if none is."""


class SettledCutover(NamedTuple):
    """`pause_seconds` is from the fence to the activation; None for a cutover that was aborted."""

    cutover_id: UUID
    state: State
    pause_seconds: float | None
    settled_at: datetime


def unsettled_states(control_db: Connection) -> list[UnsettledState]:
    """Count the unsettled cutovers by state. Index cutover_one_at_a_time."""
    rows = control_db.execute(
        """
        SELECT state, count(*),
               max(extract(epoch FROM clock_timestamp() - (steps -> -1 ->> 'at')::timestamptz))::float8,
               greatest(0, extract(epoch FROM clock_timestamp() - min(deadline_at)
                                   FILTER (WHERE state IN ('fenced', 'drained', 'verified'))))::float8
          FROM cutover.cutover WHERE settled_at IS NULL GROUP BY state
        """
    ).fetchall()
    return [UnsettledState(*row) for row in rows]


def settled_since(control_db: Connection, moment: datetime) -> list[SettledCutover]:
    """Return the cutovers of the last day that were settled after `moment`, oldest first. Index cutover_by_time."""
    rows = control_db.execute(
        """
        SELECT cutover_id, state,
               CASE state WHEN 'active' THEN extract(epoch FROM settled_at - (
                   SELECT max((step ->> 'at')::timestamptz) FROM jsonb_array_elements(steps) AS step
                    WHERE step ->> 'state' = 'fenced')) END::float8,
               settled_at
          FROM cutover.cutover
         WHERE began_at > clock_timestamp() - interval '1 day' AND settled_at > %s ORDER BY settled_at
        """,
        (moment,),
    ).fetchall()
    return [SettledCutover(*row) for row in rows]


def businesses_by_owner(control_db: Connection) -> dict[str, int]:
    """Count the businesses of each owner. Reads the whole routing table."""
    return dict(control_db.execute("SELECT owner, count(*) FROM cutover.ownership GROUP BY owner").fetchall())


def active_policies_count(control_db: Connection) -> int:
    """Count the active rollback policies. Index rollback_policy_one_at_a_time."""
    row = control_db.execute("SELECT count(*) FROM cutover.rollback_policy WHERE ended_at IS NULL").fetchone()
    return 0 if row is None else int(row[0])


def now(control_db: Connection) -> datetime:
    """Return the database's clock."""
    row = control_db.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None, "the query always returns a row"
    moment: datetime = row[0]
    return moment
