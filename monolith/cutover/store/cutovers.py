"""The cutovers: one row each, every transition a compare-and-swap on its state.

The only commit point of a cutover is `decide`: one transaction that also updates the row of `cutover.ownership`.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple
from uuid import UUID

from psycopg import errors as pg
from psycopg import sql
from psycopg.rows import kwargs_row
from psycopg.types.json import Jsonb
from uuid_utils.compat import uuid7

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection
from monolith.cutover.states import ABORTABLE, FOLLOWS, MAY_BE_FENCED, State
from monolith.cutover.store.platform_writes import append_audit
from monolith.cutover.store.servers import RecoveryRequired

_COLUMNS = """cutover_id, business_id, source, target, epoch, attempt, state, fence_seconds, deadline_at, compared_from,
              actor, reason, problem, steps, began_at, settled_at, target_incarnation"""

_ADVANCE = sql.SQL(
    """
    UPDATE cutover.cutover
       SET state = %(following)s,
           steps = steps || jsonb_build_object('state', %(following)s::text, 'at', clock_timestamp(),
                                               'found', %(found)s::jsonb),
           deadline_at = CASE WHEN %(following)s = 'fenced'
                              THEN clock_timestamp() + make_interval(secs => fence_seconds) ELSE deadline_at END,
           compared_from = coalesce(%(compared_from)s, compared_from),
           settled_at = CASE WHEN %(following)s = 'active' THEN clock_timestamp() END
     WHERE cutover_id = %(cutover)s AND state = %(state)s
       AND (NOT %(has_deadline)s OR clock_timestamp() < deadline_at)
    RETURNING {}
    """
).format(sql.SQL(_COLUMNS))

_BEGIN = """
    INSERT INTO cutover.cutover
           (cutover_id, business_id, source, target, epoch, attempt, state, fence_seconds, actor, reason, steps,
            target_incarnation)
    VALUES (%s, %s, %s, %s, %s, %s, 'replicating', %s, %s, %s,
            jsonb_build_array(jsonb_build_object('state', 'replicating', 'at', clock_timestamp())),
            (SELECT incarnation FROM cutover.server WHERE name = %s))
"""
_DECIDE = sql.SQL("SELECT {} FROM cutover.decide(%s, %s, %s)").format(sql.SQL(_COLUMNS)).as_bytes()


class Cutover(NamedTuple):
    """A cutover as stored when it was read. `epoch` is the source's; the target's is one higher.

    `target_incarnation` is that of the target's server when the cutover began; None for one of an earlier release.
    """

    cutover_id: UUID
    business_id: UUID
    source: DatabaseName
    target: DatabaseName
    epoch: int
    attempt: int
    state: State
    fence_seconds: float
    deadline_at: datetime | None
    compared_from: datetime | None
    actor: str
    reason: str
    problem: str | None
    steps: list[dict[str, Any]]
    began_at: datetime
    settled_at: datetime | None
    target_incarnation: str | None = None


class PassedStep(NamedTuple):
    """A step inside the fence that the decision records. `seconds_ago` is the time since it was completed."""

    state: State
    found: dict[str, Any]
    seconds_ago: float


class CutoverInProgress(Exception):
    """Another cutover of the business is in progress."""


class SourceNotOwner(Exception):
    """The business is not owned by the source database, or has no owner."""


def begin(
    control_db: Connection,
    business_id: UUID,
    source: DatabaseName,
    target: DatabaseName,
    *,
    fence_seconds: float,
    actor: str,
    reason: str,
) -> Cutover:
    """Insert a new cutover in state `replicating`.

    Raises CutoverInProgress while another one is unsettled, SourceNotOwner if `source` does not own the business, and
    RecoveryRequired if the record was restored since the owner was recorded.
    """
    with control_db.transaction():
        owned = control_db.execute(
            """
            UPDATE cutover.ownership SET attempt = attempt + 1 WHERE business_id = %s AND owner = %s
            RETURNING epoch, attempt, incarnation = cutover.incarnation()
            """,
            (business_id, source),
        ).fetchone()
        if owned is None:
            raise SourceNotOwner(f"{business_id} is not owned by {source}")
        if not owned[2]:
            raise RecoveryRequired("monolith")
        cutover_id = uuid7()
        try:
            values = (cutover_id, business_id, source, target, *owned[:2], fence_seconds, actor, reason, target)
            control_db.execute(_BEGIN, values)
        except pg.UniqueViolation as error:
            raise CutoverInProgress(f"{business_id} has a cutover in progress") from error
    return get(control_db, cutover_id)


def get(control_db: Connection, cutover_id: UUID) -> Cutover:
    """Return the cutover. Raises LookupError."""
    found = _read(control_db, "cutover_id = %s", (cutover_id,))
    if not found:
        raise LookupError(f"there is no cutover {cutover_id}")
    return found[0]


def unsettled(control_db: Connection, business_id: UUID | None = None) -> list[Cutover]:
    """Return the cutovers that are not settled, oldest first."""
    return _read(
        control_db,
        "settled_at IS NULL AND (%s::uuid IS NULL OR business_id = %s) ORDER BY began_at, cutover_id",
        (business_id, business_id),
    )


def latest(control_db: Connection, limit: int, business_id: UUID | None = None) -> list[Cutover]:
    """Return the latest cutovers, newest first."""
    return _read(
        control_db,
        "(%s::uuid IS NULL OR business_id = %s) ORDER BY began_at DESC, cutover_id DESC LIMIT %s",
        (business_id, business_id, limit),
    )


def advance(
    control_db: Connection,
    cutover: Cutover,
    found: dict[str, Any] | None = None,
    *,
    compared_from: datetime | None = None,
) -> Cutover | None:
    """Move the cutover on to the next state, which is never `decided`, and return it.

    Returns None when it is no longer in the state of `cutover`, or its deadline has passed.
    """
    following = FOLLOWS[cutover.state]
    assert following != "decided", "use `decide`"
    values = {
        "following": following,
        "found": Jsonb(found or {}),
        "compared_from": compared_from,
        "cutover": cutover.cutover_id,
        "state": cutover.state,
        "has_deadline": cutover.state in MAY_BE_FENCED,
    }
    with control_db.cursor(row_factory=kwargs_row(Cutover)) as cursor:
        return cursor.execute(_ADVANCE, values).fetchone()


def decide(control_db: Connection, cutover: Cutover, passed: Sequence[PassedStep] = ()) -> Cutover | None:
    """Make the target the owner of the business, record the passed steps, and return the decided cutover.

    One transaction: the commit point of the cutover. Returns None, with nothing changed, when the cutover is not
    fenced, was aborted or decided by another controller, its deadline has passed, or the owner or epoch is no longer
    the one with which it began.
    """
    steps = Jsonb([step._asdict() for step in passed])
    with control_db.cursor(row_factory=kwargs_row(Cutover)) as cursor:
        return cursor.execute(_DECIDE, (cutover.cutover_id, steps, uuid7()), prepare=True).fetchone()


def prepare_decision(control_db: Connection) -> None:
    """Prepare the statement of `decide` in this session, so that writers do not wait for it. Changes nothing."""
    control_db.execute(_DECIDE, (UUID(int=0), Jsonb([]), UUID(int=0)), prepare=True)


def abort(
    control_db: Connection, cutover: Cutover, problem: str, *, actor: str | None = None, only_overdue: bool = False
) -> bool:
    """Abort an undecided cutover; with `only_overdue`, only if the fence's deadline has passed.

    `actor` is for the audit log; None for a cutover that ends by its own checks.

    Returns False, with nothing changed, when the cutover is decided, over, or not overdue.
    """
    with control_db.transaction():
        row = control_db.execute(
            """
            UPDATE cutover.cutover
               SET state = 'aborted', problem = %(problem)s,
                   steps = steps || jsonb_build_object('state', 'aborted', 'at', clock_timestamp(), 'from', state)
             WHERE cutover_id = %(cutover)s AND state = ANY (%(abortable)s)
               AND (NOT %(only_overdue)s OR clock_timestamp() >= deadline_at)
            RETURNING 1
            """,
            {
                "problem": problem,
                "cutover": cutover.cutover_id,
                "abortable": sorted(ABORTABLE),
                "only_overdue": only_overdue,
            },
        ).fetchone()
        if row is not None:
            append_audit(
                control_db,
                actor=actor or cutover.actor,
                action="cutover.aborted",
                subject=f"business:{cutover.business_id}",
                before=cutover.source,
                after=cutover.source,
                reason=problem or cutover.reason,
            )
    return row is not None


def record_resumed(control_db: Connection, cutover: Cutover, *, actor: str) -> None:
    """Record in the audit log who completed a cutover that another operator had begun."""
    append_audit(
        control_db,
        actor=actor,
        action="cutover.resumed",
        subject=f"business:{cutover.business_id}",
        before=cutover.state,
        after=cutover.target,
        reason=cutover.reason,
    )


def settle_aborted(control_db: Connection, cutover: Cutover) -> None:
    """Settle an aborted cutover: the source's lease is known to be active again."""
    control_db.execute(
        """
        UPDATE cutover.cutover SET settled_at = clock_timestamp()
         WHERE cutover_id = %s AND state = 'aborted' AND settled_at IS NULL
        """,
        (cutover.cutover_id,),
    )


def seconds_left(control_db: Connection, cutover: Cutover) -> float:
    """Return the seconds until the fence's deadline, by the database's clock; 0 or less if it has passed or is not
    set."""
    row = control_db.execute(
        """
        SELECT coalesce(extract(epoch FROM deadline_at - clock_timestamp()), 0)::float8
          FROM cutover.cutover WHERE cutover_id = %s
        """,
        (cutover.cutover_id,),
    ).fetchone()
    return 0.0 if row is None else float(row[0])


def seconds_since(control_db: Connection, cutover: Cutover, state: State) -> float:
    """Return the seconds since the cutover reached `state`, which it must have, by the database's clock."""
    at = next(step["at"] for step in reversed(cutover.steps) if step["state"] == state)
    row = control_db.execute("SELECT extract(epoch FROM clock_timestamp() - %s::timestamptz)::float8", (at,)).fetchone()
    assert row is not None, "the query always returns a row"
    return float(row[0])


def _read(control_db: Connection, where: str, values: tuple[object, ...]) -> list[Cutover]:
    with control_db.cursor(row_factory=kwargs_row(Cutover)) as cursor:
        return cursor.execute(f"SELECT {_COLUMNS} FROM cutover.cutover WHERE {where}".encode(), values).fetchall()  # noqa: S608
