"""SQL of the worker for the imports of all businesses, under the role `calendars_worker`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text

from monolith.modules.calendars.import_turns import CLAIM, ImportTurn
from monolith.modules.calendars.intervals import Interval
from monolith.shared.database import new_id


@dataclass(frozen=True, slots=True)
class DueImport:
    import_id: UUID
    business_id: UUID
    provider_id: UUID
    url: str | None
    content: str | None
    failures: int


@dataclass(frozen=True, slots=True)
class DueTime:
    """A busy time to block or to release in scheduling. `block_id` is None until the block is known."""

    imported_id: UUID
    business_id: UUID
    import_id: UUID
    provider_id: UUID
    name: str
    starts_at: datetime
    ends_at: datetime
    state: Literal["adding", "removing"]
    block_id: UUID | None
    attempts: int


# Index busy_import_by_business
_CLAIM_IMPORT = text("""
    UPDATE calendars.busy_import SET next_run_at = now() + CAST(:claim AS interval), last_run_at = now()
     WHERE import_id = (SELECT import_id FROM calendars.busy_import
                         WHERE business_id = :business_id AND state = 'active' AND next_run_at <= now()
                         ORDER BY next_run_at LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING import_id, business_id, provider_id, url, content, failures
""")
# busy_import_pkey
_LOCK_IMPORT = text("""
    SELECT 1 FROM calendars.busy_import WHERE import_id = :import_id AND state = 'active' FOR UPDATE
""")
_SUCCEED = text("""
    UPDATE calendars.busy_import
       SET failures = 0, problem = NULL, last_success_at = now(), next_run_at = now() + CAST(:delay AS interval)
     WHERE import_id = :import_id
""")
_FAIL = text("""
    UPDATE calendars.busy_import
       SET failures = failures + 1, problem = :problem, next_run_at = now() + CAST(:delay AS interval)
     WHERE import_id = :import_id
""")
_DEFER = text("""
    UPDATE calendars.busy_import SET next_run_at = now() + CAST(:delay AS interval) WHERE import_id = :import_id
""")
_REPORT = text("UPDATE calendars.busy_import SET problem = :problem WHERE import_id = :import_id")
# Index imported_time_of_import
_CURRENT = text("""
    SELECT imported_id, starts_at, ends_at FROM calendars.imported_time
     WHERE import_id = :import_id AND state <> 'removing' AND ends_at > now()
""")
_ADD = text("""
    INSERT INTO calendars.imported_time (imported_id, business_id, import_id, starts_at, ends_at)
    SELECT id, :business_id, :import_id, starts_at, ends_at
      FROM unnest(CAST(:ids AS uuid[]), CAST(:starts AS timestamptz[]), CAST(:ends AS timestamptz[]))
           AS given (id, starts_at, ends_at)
""")
# imported_time_pkey
_REMOVE = text("""
    UPDATE calendars.imported_time SET state = 'removing', next_attempt_at = now() WHERE imported_id = ANY(:ids)
""")
# Index imported_time_of_import. Blocked times of the past change nothing, and stay in scheduling.
_FORGET_PAST = text("""
    DELETE FROM calendars.imported_time
     WHERE import_id = :import_id AND state = 'added' AND ends_at < now() - interval '1 day'
""")
# Indexes busy_import_by_business, imported_time_next
_CLAIM_TIMES = text("""
    UPDATE calendars.imported_time t
       SET next_attempt_at = now() + CAST(:claim AS interval), attempts = attempts + 1
      FROM calendars.busy_import i
     WHERE i.import_id = t.import_id AND t.imported_id IN
           (SELECT due.imported_id
              FROM calendars.busy_import own
             CROSS JOIN LATERAL
                   (SELECT imported_id, next_attempt_at FROM calendars.imported_time
                     WHERE import_id = own.import_id AND state <> 'added' AND next_attempt_at <= now()
                     ORDER BY next_attempt_at LIMIT :most FOR UPDATE SKIP LOCKED) AS due
             WHERE own.business_id = :business_id
             ORDER BY due.next_attempt_at LIMIT :most)
    RETURNING t.imported_id, t.business_id, t.import_id, i.provider_id, i.name, t.starts_at, t.ends_at, t.state,
              t.block_id, t.attempts
""")
# imported_time_pkey
_ADDED = text("""
    UPDATE calendars.imported_time
       SET block_id = :block_id, state = CASE state WHEN 'adding' THEN 'added' ELSE state END, attempts = 0
     WHERE imported_id = :imported_id
""")
_RELEASE = text("""
    UPDATE calendars.imported_time SET next_attempt_at = now() + CAST(:delay AS interval)
     WHERE imported_id = ANY(:ids)
""")
_DELETE = text("DELETE FROM calendars.imported_time WHERE imported_id = :imported_id")
# busy_import_pkey, imported_time_of_import
_DELETE_EMPTY = text("""
    DELETE FROM calendars.busy_import i
     WHERE state = 'removing' AND NOT EXISTS
           (SELECT FROM calendars.imported_time t WHERE t.import_id = i.import_id)
""")


def claim_import(connection: Connection, turn: ImportTurn) -> DueImport | None:
    """Return the import of a business that has been due longest; other workers leave it alone for a minute."""
    row = connection.execute(_CLAIM_IMPORT, {"business_id": turn.business_id, "claim": CLAIM}).one_or_none()
    return None if row is None else DueImport(*row)


def plan(connection: Connection, due: DueImport, times: Collection[Interval], next_run: timedelta) -> None:
    """Record a successful reading: add the times that are new, and let those go that are no longer in the calendar."""
    if connection.execute(_LOCK_IMPORT, {"import_id": due.import_id}).one_or_none() is None:
        return  # It was removed during the reading.
    wanted = set(times)
    current = {(row.starts_at, row.ends_at): row.imported_id for row in connection.execute(_CURRENT, _id(due))}
    added = [each for each in times if each not in current]
    removed = [imported_id for interval, imported_id in current.items() if interval not in wanted]
    if added:
        ids, starts, ends = [new_id() for _ in added], [start for start, _ in added], [end for _, end in added]
        connection.execute(
            _ADD, _id(due) | {"business_id": due.business_id, "ids": ids, "starts": starts, "ends": ends}
        )
    if removed:
        connection.execute(_REMOVE, {"ids": removed})
    connection.execute(_FORGET_PAST, _id(due))
    connection.execute(_SUCCEED, _id(due) | {"delay": next_run})


def fail(connection: Connection, due: DueImport, problem: str, delay: timedelta) -> None:
    """Record that a calendar could not be read, for its staff to see; it is read again after `delay`."""
    connection.execute(_FAIL, _id(due) | {"problem": problem, "delay": delay})


def defer(connection: Connection, due: DueImport, delay: timedelta) -> None:
    """Read a calendar again after `delay`, because of a problem of this product's own."""
    connection.execute(_DEFER, _id(due) | {"delay": delay})


def claim_times(connection: Connection, turn: ImportTurn, most: int) -> list[DueTime]:
    """Return the times of a business that have been waiting longest; other workers leave them alone for a minute."""
    values = {"business_id": turn.business_id, "claim": CLAIM, "most": most}
    return [DueTime(*row) for row in connection.execute(_CLAIM_TIMES, values)]


def mark_added(connection: Connection, imported_id: UUID, block_id: UUID) -> None:
    connection.execute(_ADDED, {"imported_id": imported_id, "block_id": block_id})


def release(connection: Connection, times: Sequence[DueTime], delay: timedelta) -> None:
    """Attempt these times again after `delay`."""
    if times:
        connection.execute(_RELEASE, {"ids": [each.imported_id for each in times], "delay": delay})


def forget(connection: Connection, due: DueTime) -> None:
    connection.execute(_DELETE, {"imported_id": due.imported_id})


def reject(connection: Connection, due: DueTime, problem: str) -> None:
    """Record that scheduling refuses to block a time, for the staff to see. It is planned again at the next reading."""
    forget(connection, due)
    connection.execute(_REPORT, {"import_id": due.import_id, "problem": problem})


def delete_empty(connection: Connection) -> None:
    """Delete the imports that were removed and whose blocked times are gone."""
    connection.execute(_DELETE_EMPTY)


def _id(due: DueImport) -> dict[str, object]:
    return {"import_id": due.import_id}
