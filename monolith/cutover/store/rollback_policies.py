"""Rollback policies: one row for each cutover whose calls are observed, until the policy ends."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg import sql
from psycopg.rows import kwargs_row
from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection
from monolith.cutover.rollback.thresholds import WINDOW_PARTS, CallCounts, RollbackThresholds
from monolith.cutover.store.cutovers import Cutover
from monolith.cutover.store.platform_writes import append_audit, set_adapter_flag
from monolith.shared.flags.store import SCHEDULING_ADAPTER

PolicyOutcome = Literal["kept", "returned", "superseded"]
"""`kept`: its time passed. `returned`: the business was rolled back. `superseded`: another cutover or policy
followed."""

ACTOR = "guard"


class RollbackPolicy(NamedTuple):
    """A stored policy. `home` is the database to roll back to; `problem` is why a rollback has not succeeded yet."""

    policy_id: UUID
    business_id: UUID
    cutover_id: UUID
    home: DatabaseName
    thresholds: RollbackThresholds
    until: datetime
    problem: str | None
    outcome: PolicyOutcome | None


class PolicyStatus(NamedTuple):
    """An active policy and its call counts, by the database's clock.

    `moved_by` is the actor of the latest cutover since the policy's own; None without one. `parts` are those of the
    last `for_seconds`, oldest first, and empty until the policy is that old.
    """

    policy: RollbackPolicy
    owner: DatabaseName
    moved_by: str | None
    expired: bool
    total: CallCounts
    parts: tuple[CallCounts, ...]


def start_policy(
    control_db: Connection, cutover: Cutover, thresholds: RollbackThresholds, *, watch_seconds: float
) -> UUID:
    """Start a policy for an active cutover, and return its id. Supersedes the business's active policy."""
    with control_db.transaction():
        control_db.execute(
            "UPDATE cutover.rollback_policy SET outcome = 'superseded', ended_at = clock_timestamp() "
            "WHERE business_id = %s AND ended_at IS NULL",
            (cutover.business_id,),
        )
        policy_id = uuid7()
        control_db.execute(
            """
            INSERT INTO cutover.rollback_policy
                   (policy_id, business_id, cutover_id, home, most_failed, p95_ms, for_seconds, until)
            VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))
            """,
            (policy_id, cutover.business_id, cutover.cutover_id, cutover.source, *thresholds, watch_seconds),
        )
    return policy_id


def active_policies(control_db: Connection) -> list[PolicyStatus]:
    """Return the active policies, oldest first."""
    with control_db.cursor(row_factory=kwargs_row(_status)) as cursor:
        return cursor.execute(_ACTIVE).fetchall()


def latest_policy(control_db: Connection, business_id: UUID) -> RollbackPolicy | None:
    """Return the newest policy of the business, active or ended."""
    with control_db.cursor(row_factory=kwargs_row(_policy)) as cursor:
        return cursor.execute(
            sql.SQL(
                "SELECT {} FROM cutover.rollback_policy g WHERE g.business_id = %s ORDER BY g.began_at DESC LIMIT 1"
            ).format(_COLUMNS),
            (business_id,),
        ).fetchone()


def record_problem(control_db: Connection, policy: RollbackPolicy, problem: str, evidence: dict[str, Any]) -> None:
    """Record why a rollback did not succeed; audited each time the reason changes."""
    if problem == policy.problem:
        return
    with control_db.transaction():
        control_db.execute(
            "UPDATE cutover.rollback_policy SET problem = %s WHERE policy_id = %s", (problem, policy.policy_id)
        )
        _audit(control_db, policy, "guard.stuck", problem, evidence)


def end_policy(
    control_db: Connection, policy: RollbackPolicy, outcome: PolicyOutcome, reason: str, evidence: dict[str, Any]
) -> None:
    """End the policy (at most once) and audit the evidence. After a rollback, also reset the flag of the business."""
    with control_db.transaction():
        ended = control_db.execute(
            "UPDATE cutover.rollback_policy SET outcome = %s, ended_at = clock_timestamp() "
            "WHERE policy_id = %s AND ended_at IS NULL RETURNING 1",
            (outcome, policy.policy_id),
        ).fetchone()
        if ended is None:
            return
        control_db.execute("DELETE FROM cutover.call_count WHERE policy_id = %s", (policy.policy_id,))
        if outcome == "returned":
            set_adapter_flag(control_db, policy.business_id, policy.home)
        _audit(control_db, policy, f"guard.{outcome}", reason, evidence)


def _audit(control_db: Connection, policy: RollbackPolicy, action: str, reason: str, evidence: dict[str, Any]) -> None:
    append_audit(
        control_db,
        actor=ACTOR,
        action=action,
        subject=f"{SCHEDULING_ADAPTER} business:{policy.business_id}",
        before={"bound": policy.thresholds._asdict(), "cutover_id": str(policy.cutover_id)},
        after=evidence,
        reason=reason,
    )


def _status(
    owner: DatabaseName,
    moved_by: str | None,
    expired: bool,
    total: list[int],
    parts: list[list[int]],
    **row: Any,
) -> PolicyStatus:
    return PolicyStatus(
        _policy(**row), owner, moved_by, expired, CallCounts(*total), tuple(CallCounts(*numbers) for numbers in parts)
    )


def _policy(most_failed: float, p95_ms: float, for_seconds: float, **row: Any) -> RollbackPolicy:
    return RollbackPolicy(thresholds=RollbackThresholds(most_failed, p95_ms, for_seconds), **row)


_COLUMNS = sql.SQL(
    "g.policy_id, g.business_id, g.cutover_id, g.home, g.most_failed, g.p95_ms, g.for_seconds, g.until, g.problem,"
    " g.outcome"
)

_SUMS = "ARRAY[coalesce(sum(calls) {0}, 0), coalesce(sum(failed) {0}, 0), coalesce(sum(slow) {0}, 0)]::bigint[]"
_IN_PART = "FILTER (WHERE s.old_enough AND c.began_at >= s.start + {} * s.part AND c.began_at < s.start + {} * s.part)"

_ACTIVE = sql.SQL(
    """
    SELECT {columns}, o.owner,
           (SELECT later.actor FROM cutover.cutover later
             WHERE later.business_id = g.business_id AND later.attempt > m.attempt AND later.state = 'active'
             ORDER BY later.attempt DESC LIMIT 1) AS moved_by,
           clock_timestamp() >= g.until AS expired,
           counted.total, counted.parts
      FROM cutover.rollback_policy g
      JOIN cutover.cutover m USING (cutover_id)
      JOIN cutover.ownership o ON o.business_id = g.business_id
     CROSS JOIN LATERAL (SELECT now - make_interval(secs => g.for_seconds) AS start,
                                make_interval(secs => g.for_seconds / {window_parts}) AS part,
                                now - make_interval(secs => g.for_seconds) >= g.began_at AS old_enough
                           FROM clock_timestamp() AS now) AS s
     CROSS JOIN LATERAL (SELECT {total} AS total, ARRAY[{parts}] AS parts
                           FROM cutover.call_count c WHERE c.policy_id = g.policy_id) AS counted
     WHERE g.ended_at IS NULL
     ORDER BY g.began_at, g.policy_id
    """
).format(
    columns=_COLUMNS,
    total=sql.SQL(_SUMS.format("")),
    window_parts=sql.Literal(WINDOW_PARTS),
    parts=sql.SQL(", ").join(
        sql.SQL(_SUMS.format(_IN_PART.format(number, number + 1))) for number in range(WINDOW_PARTS)
    ),
)
