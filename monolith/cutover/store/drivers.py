"""Which process drives a cutover: an advisory lock of its connection to the monolith's database."""

from uuid import UUID

from monolith.cutover.databases import Connection
from monolith.cutover.store.cutovers import Cutover

_DRIVER_LOCK_NAMESPACE = 0x44524956  # "DRIV"


def claim_driver(control_db: Connection, cutover_id: UUID) -> bool:
    """Claim the cutover for this connection's process, until the connection ends. False if another one has the claim.

    The claim only decides when recovery starts; two processes may drive one cutover safely.
    """
    row = control_db.execute(
        "SELECT pg_try_advisory_lock(%s, hashtext(%s))", (_DRIVER_LOCK_NAMESPACE, str(cutover_id))
    ).fetchone()
    return row == (True,)


def release_driver(control_db: Connection, cutover_id: UUID) -> None:
    """Release the claim of `claim_driver`."""
    control_db.execute("SELECT pg_advisory_unlock(%s, hashtext(%s))", (_DRIVER_LOCK_NAMESPACE, str(cutover_id)))


def abandoned(control_db: Connection, cutover: Cutover, seconds: float) -> bool:
    """Return whether the cutover is older than `seconds` and has no driver."""
    row = control_db.execute(
        """
        SELECT clock_timestamp() > began_at + make_interval(secs => %s) FROM cutover.cutover WHERE cutover_id = %s
        """,
        (seconds, cutover.cutover_id),
    ).fetchone()
    if row != (True,) or not claim_driver(control_db, cutover.cutover_id):
        return False
    release_driver(control_db, cutover.cutover_id)
    return True


def undriven(control_db: Connection, seconds: float) -> set[UUID]:
    """Return the cutovers that are not settled, are older than `seconds` and have no driver. Claims nothing."""
    rows = control_db.execute(
        """
        SELECT cutover_id FROM cutover.cutover
         WHERE settled_at IS NULL AND began_at < clock_timestamp() - make_interval(secs => %s)
           AND NOT EXISTS (
               SELECT FROM pg_locks
                WHERE locktype = 'advisory' AND granted AND classid = %s::bigint::oid AND objsubid = 2
                  AND objid = (hashtext(cutover_id::text)::bigint & 4294967295)::oid
                  AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))
        """,
        (seconds, _DRIVER_LOCK_NAMESPACE),
    ).fetchall()
    return {row[0] for row in rows}
