"""The record as a recovery reads and corrects it."""

from typing import NamedTuple
from uuid import UUID

from contracts.scheduling.values import DatabaseName
from monolith.cutover.databases import Connection


class Recorded(NamedTuple):
    """The routing table's row of a business."""

    owner: DatabaseName
    epoch: int
    attempt: int


def read_record(control_db: Connection) -> dict[UUID, Recorded]:
    rows = control_db.execute("SELECT business_id, owner, epoch, attempt FROM cutover.ownership").fetchall()
    return {business_id: Recorded(*row) for business_id, *row in rows}


def confirm_owner(control_db: Connection, business_id: UUID, recorded: Recorded) -> None:
    """Set the row of a business, valid in the present incarnation of the record's server."""
    control_db.execute(
        """
        UPDATE cutover.ownership
           SET owner = %(owner)s, epoch = %(epoch)s, attempt = %(attempt)s, incarnation = cutover.incarnation(),
               decided_at = CASE WHEN owner = %(owner)s THEN decided_at ELSE clock_timestamp() END
         WHERE business_id = %(business)s
        """,
        {"business": business_id, **recorded._asdict()},
    )


def settle_all(control_db: Connection) -> None:
    """End every cutover in progress: those before their decision are aborted, decided ones become active."""
    control_db.execute(
        """
        UPDATE cutover.cutover
           SET state = CASE WHEN state IN ('decided', 'active') THEN 'active' ELSE 'aborted' END,
               problem = CASE WHEN state IN ('decided', 'active') THEN problem ELSE 'ended by a recovery' END,
               steps = steps || jsonb_build_object('state', 'recovered', 'at', clock_timestamp(), 'from', state),
               settled_at = clock_timestamp()
         WHERE settled_at IS NULL
        """
    )
