"""SQL for the turns that businesses take in the worker, so that the imports of one delay no other."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from sqlalchemy import Connection, text

Work = Literal["read", "write"]
"""`read`: of a calendar; `write`: of its times into scheduling."""
CLAIM: Final = timedelta(minutes=1)
"""Longer than a step takes. After this time, other workers repeat the work of a worker that crashed."""


@dataclass(frozen=True, slots=True)
class ImportTurn:
    """The right to work for a business, which no other worker has at the same time."""

    business_id: UUID
    work: Work
    began_at: datetime


# The next business to read a calendar of: index busy_import_due. To write times of: a sequential scan of a table of at
# most some thousand rows, with index imported_time_next. Both: import_turn_pkey.
_NEXT: Final = {
    "read": text("""
        SELECT i.business_id
          FROM calendars.busy_import i
          LEFT JOIN calendars.import_turn t ON t.business_id = i.business_id AND t.work = 'read'
         WHERE i.state = 'active' AND i.next_run_at <= now() AND (t.ends_at IS NULL OR t.ends_at <= now())
         ORDER BY t.began_at NULLS FIRST, i.next_run_at
         LIMIT 1
    """),
    "write": text("""
        SELECT i.business_id
          FROM calendars.busy_import i
          LEFT JOIN calendars.import_turn t ON t.business_id = i.business_id AND t.work = 'write'
         CROSS JOIN LATERAL
               (SELECT next_attempt_at FROM calendars.imported_time
                 WHERE import_id = i.import_id AND state <> 'added' AND next_attempt_at <= now()
                 ORDER BY next_attempt_at LIMIT 1) AS due
         WHERE t.ends_at IS NULL OR t.ends_at <= now()
         ORDER BY t.began_at NULLS FIRST, due.next_attempt_at
         LIMIT 1
    """),
}
# import_turn_pkey
_TAKE = text("""
    INSERT INTO calendars.import_turn AS t (business_id, work, began_at, ends_at)
    VALUES (:business_id, :work, now(), now() + CAST(:claim AS interval))
    ON CONFLICT (business_id, work) DO UPDATE SET began_at = excluded.began_at, ends_at = excluded.ends_at
          WHERE t.ends_at <= now()
    RETURNING business_id, work, began_at
""")
_END = text("""
    UPDATE calendars.import_turn SET ends_at = now() + CAST(:rest AS interval)
     WHERE business_id = :business_id AND work = :work AND began_at = :began_at
""")
# Sequential scan: two rows for each business with imports.
_FORGET = text("""
    DELETE FROM calendars.import_turn t
     WHERE ends_at <= now() AND NOT EXISTS
           (SELECT FROM calendars.busy_import i WHERE i.business_id = t.business_id)
""")


def take_turn(connection: Connection, work: Work) -> ImportTurn | None:
    """Return a turn of the business with due work whose last turn began longest ago; None if there is none.

    It lasts until it is ended, at most a minute.
    """
    while (business_id := connection.execute(_NEXT[work]).scalar()) is not None:
        row = connection.execute(_TAKE, {"business_id": business_id, "work": work, "claim": CLAIM}).one_or_none()
        if row is not None:
            return ImportTurn(*row)
        # Another worker took it at the same moment; it is not among the next.
    return None


def end_turn(connection: Connection, turn: ImportTurn, rest: timedelta = timedelta(0)) -> None:
    """End a turn; the business has its next one after `rest` at the earliest."""
    values = {"business_id": turn.business_id, "work": turn.work, "began_at": turn.began_at, "rest": rest}
    connection.execute(_END, values)


def forget_turns(connection: Connection) -> None:
    """Delete the turns of businesses without imports."""
    connection.execute(_FORGET)
