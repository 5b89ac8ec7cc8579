"""The servers as the record knows them: the incarnation in which each was last compared with it.

An incarnation is a server's system identifier and timeline. Both remain while a server restarts; a restore and the
promotion of a standby begin another timeline.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection

_RECOVERY_LOCK = 0x5245434F56455259  # "RECOVERY"


class RecoveryRequired(Exception):
    """A server was restored or replaced by a standby, and has not been compared with the record since."""

    def __init__(self, name: DatabaseName) -> None:
        super().__init__(
            f"the {name} database was restored or failed over, and may have lost changes: run `extraction recover`"
        )
        self.name = name


def known_servers(control_db: Connection) -> Mapping[str, str]:
    """Return the recorded incarnation of each database; one that was never seen is absent."""
    return dict(control_db.execute("SELECT name, incarnation FROM cutover.server").fetchall())


def record_incarnation(control_db: Connection) -> str:
    """Return the incarnation of the server that holds the record. Raises psycopg.Error on a standby."""
    row = control_db.execute("SELECT cutover.incarnation()").fetchone()
    assert row is not None, "the query always returns a row"
    return str(row[0])


def is_record_confirmed(control_db: Connection) -> bool:
    """Return whether the record is on the server on which it was last confirmed."""
    row = control_db.execute(
        "SELECT EXISTS (SELECT FROM cutover.server WHERE name = 'monolith' AND incarnation = cutover.incarnation())"
    ).fetchone()
    return row == (True,)


def require_confirmed(control_db: Connection, name: DatabaseName, incarnation: str) -> None:
    """Record the incarnation of a server that is seen for the first time; refuse another than the recorded one.

    Raises RecoveryRequired.
    """
    row = control_db.execute(
        """
        INSERT INTO cutover.server AS known (name, incarnation, confirmed_by) VALUES (%s, %s, 'first use')
            ON CONFLICT (name) DO UPDATE SET incarnation = known.incarnation
        RETURNING incarnation
        """,
        (name, incarnation),
    ).fetchone()
    if row != (incarnation,):
        raise RecoveryRequired(name)


def confirm_server(control_db: Connection, name: DatabaseName, incarnation: str, actor: str) -> None:
    """Record that the server was compared with the record in this incarnation."""
    control_db.execute(
        """
        INSERT INTO cutover.server (name, incarnation, confirmed_by) VALUES (%s, %s, %s)
            ON CONFLICT (name) DO UPDATE SET incarnation = excluded.incarnation, confirmed_at = clock_timestamp(),
                                             confirmed_by = excluded.confirmed_by
        """,
        (name, incarnation, actor),
    )


def commits_wait_for_a_standby(db: Connection) -> bool:
    """Return whether a commit is acknowledged only after a standby has it, as the server is set up now.

    Decisions and leases are committed with `synchronous_commit = on`, whatever the server's default.
    """
    row = db.execute("SELECT current_setting('synchronous_standby_names') <> ''").fetchone()
    return row == (True,)


@contextmanager
def recovery_lock(control_db: Connection) -> Iterator[bool]:
    """Hold the lock of recoveries within the block. Yields False, at once, while another process holds it.

    It keeps the watch from voiding leases that a recovery has just confirmed, and two recoveries apart.
    """
    row = control_db.execute("SELECT pg_try_advisory_lock(%s)", (_RECOVERY_LOCK,)).fetchone()
    try:
        yield row == (True,)
    finally:
        if row == (True,) and not control_db.closed:
            control_db.execute("SELECT pg_advisory_unlock(%s)", (_RECOVERY_LOCK,))
