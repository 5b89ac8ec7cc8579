"""Guards, in the monolith's database: one row for each moved business that is watched over, until it ends."""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

from psycopg import sql
from psycopg.rows import kwargs_row
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection
from monolith.cutover.rollback.thresholds import WINDOW_PARTS, CallCounts, RollbackThresholds
from monolith.cutover.store.cutovers import Cutover
from monolith.shared.flags.scheduling_flag import ADAPTER_FOR

PolicyOutcome = Literal["kept", "returned", "superseded"]
"""`kept`: its time passed. `returned`: it went back. `superseded`: somebody else moved the business since."""

ACTOR = "guard"


class RollbackPolicy(NamedTuple):
    """`home` is where the business goes back to. `problem` says why that has not worked yet."""

    guard_id: UUID
    business_id: UUID
    cutover_id: UUID
    home: DatabaseName
    bound: RollbackThresholds
    until: datetime
    problem: str | None
    outcome: PolicyOutcome | None


class PolicyStatus(NamedTuple):
    """A guard that has not ended, what its calls came to, and how it stands by the database's clock.

    `moved_by` is the actor of the latest move since the guarded one, None without any. The parts are those of the last
    `for_seconds`, the earliest first, and empty until the guard is that old.
    """

    guard: RollbackPolicy
    owner: DatabaseName
    moved_by: str | None
    over: bool
    in_all: CallCounts
    parts: tuple[CallCounts, ...]


def start_policy(platform: Connection, cutover: Cutover, bound: RollbackThresholds, *, watch_seconds: float) -> UUID:
    """From now on, for a move that is active. Takes the place of the business's guard, if it has one."""
    with platform.transaction():
        platform.execute(
            "UPDATE platform.guard SET outcome = 'superseded', ended_at = clock_timestamp() "
            "WHERE business_id = %s AND ended_at IS NULL",
            (cutover.business_id,),
        )
        guard_id = uuid7()
        platform.execute(
            """
            INSERT INTO platform.guard
                   (guard_id, business_id, cutover_id, home, most_failed, p95_ms, for_seconds, until)
            VALUES (%s, %s, %s, %s, %s, %s, %s, clock_timestamp() + make_interval(secs => %s))
            """,
            (guard_id, cutover.business_id, cutover.cutover_id, cutover.source, *bound, watch_seconds),
        )
    return guard_id


def active_policies(platform: Connection) -> list[PolicyStatus]:
    """Every guard that has not ended, the oldest first."""
    with platform.cursor(row_factory=kwargs_row(_watching)) as cursor:
        return cursor.execute(_WATCHING).fetchall()


def latest_policy(platform: Connection, business_id: UUID) -> RollbackPolicy | None:
    """The business's newest, whether it has ended or not."""
    with platform.cursor(row_factory=kwargs_row(_guard)) as cursor:
        return cursor.execute(
            sql.SQL("SELECT {} FROM platform.guard g WHERE g.business_id = %s ORDER BY g.began_at DESC LIMIT 1").format(
                _COLUMNS
            ),
            (business_id,),
        ).fetchone()


def record_problem(platform: Connection, guard: RollbackPolicy, problem: str, evidence: dict[str, Any]) -> None:
    """It should have gone back, and could not. In the audit log each time the reason is another one."""
    if problem == guard.problem:
        return
    with platform.transaction():
        platform.execute("UPDATE platform.guard SET problem = %s WHERE guard_id = %s", (problem, guard.guard_id))
        _audit(platform, guard, "guard.stuck", problem, evidence)


def end_policy(
    platform: Connection, guard: RollbackPolicy, outcome: PolicyOutcome, reason: str, evidence: dict[str, Any]
) -> None:
    """Once, with its evidence in the audit log. One that returned also asks for `home` from now on, in the flag."""
    with platform.transaction():
        ended = platform.execute(
            "UPDATE platform.guard SET outcome = %s, ended_at = clock_timestamp() "
            "WHERE guard_id = %s AND ended_at IS NULL RETURNING 1",
            (outcome, guard.guard_id),
        ).fetchone()
        if ended is None:
            return
        platform.execute("DELETE FROM platform.guarded_calls WHERE guard_id = %s", (guard.guard_id,))
        if outcome == "returned":
            platform.execute(
                """
                INSERT INTO platform.flag (key, business_id, value) VALUES ('scheduling.adapter', %s, %s)
                    ON CONFLICT (key, business_id) DO UPDATE SET value = excluded.value, changed_at = now()
                """,
                (guard.business_id, ADAPTER_FOR[guard.home]),
            )
        _audit(platform, guard, f"guard.{outcome}", reason, evidence)


def _audit(platform: Connection, guard: RollbackPolicy, action: str, reason: str, evidence: dict[str, Any]) -> None:
    platform.execute(
        """
        INSERT INTO platform.audit (audit_id, actor, action, subject, before, after, reason)
        VALUES (%s, %s, %s, %s, %s, %s, %s)
        """,
        (
            uuid7(),
            ACTOR,
            action,
            f"scheduling.adapter business:{guard.business_id}",
            Jsonb({"bound": guard.bound._asdict(), "cutover_id": str(guard.cutover_id)}),
            Jsonb(evidence),
            reason,
        ),
    )


def _watching(
    owner: DatabaseName,
    moved_by: str | None,
    over: bool,
    in_all: list[int],
    parts: list[list[int]],
    **row: Any,
) -> PolicyStatus:
    return PolicyStatus(
        _guard(**row), owner, moved_by, over, CallCounts(*in_all), tuple(CallCounts(*numbers) for numbers in parts)
    )


def _guard(most_failed: float, p95_ms: float, for_seconds: float, **row: Any) -> RollbackPolicy:
    return RollbackPolicy(bound=RollbackThresholds(most_failed, p95_ms, for_seconds), **row)


_COLUMNS = sql.SQL(
    "g.guard_id, g.business_id, g.cutover_id, g.home, g.most_failed, g.p95_ms, g.for_seconds, g.until, g.problem,"
    " g.outcome"
)

_SUMS = "ARRAY[coalesce(sum(calls) {0}, 0), coalesce(sum(failed) {0}, 0), coalesce(sum(slow) {0}, 0)]::bigint[]"
_DURING = "FILTER (WHERE s.old_enough AND c.began_at >= s.start + {} * s.part AND c.began_at < s.start + {} * s.part)"

_WATCHING = sql.SQL(
    """
    SELECT {columns}, o.owner,
           (SELECT later.actor FROM platform.cutover later
             WHERE later.business_id = g.business_id AND later.attempt > m.attempt AND later.state = 'active'
             ORDER BY later.attempt DESC LIMIT 1) AS moved_by,
           clock_timestamp() >= g.until AS over,
           counted.in_all, counted.parts
      FROM platform.guard g
      JOIN platform.cutover m USING (cutover_id)
      JOIN platform.ownership o ON o.business_id = g.business_id
     CROSS JOIN LATERAL (SELECT now - make_interval(secs => g.for_seconds) AS start,
                                make_interval(secs => g.for_seconds / {parts_in_all}) AS part,
                                now - make_interval(secs => g.for_seconds) >= g.began_at AS old_enough
                           FROM clock_timestamp() AS now) AS s
     CROSS JOIN LATERAL (SELECT {in_all} AS in_all, ARRAY[{parts}] AS parts
                           FROM platform.guarded_calls c WHERE c.guard_id = g.guard_id) AS counted
     WHERE g.ended_at IS NULL
     ORDER BY g.began_at, g.guard_id
    """
).format(
    columns=_COLUMNS,
    in_all=sql.SQL(_SUMS.format("")),
    parts_in_all=sql.Literal(WINDOW_PARTS),
    parts=sql.SQL(", ").join(
        sql.SQL(_SUMS.format(_DURING.format(number, number + 1))) for number in range(WINDOW_PARTS)
    ),
)
