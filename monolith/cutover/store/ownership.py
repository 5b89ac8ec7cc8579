"""Who owns a business: the routing table, in the monolith's database (schema `platform`).

The flag is what an operator asks for; this is what is true. A row appears when a business is created, on the side that
the flag names at that moment, and its `owner` changes only by a cutover's decision.
"""

from uuid import UUID

from sqlalchemy import Connection, text

from contracts.scheduling.values import DatabaseName
from monolith.modules.scheduling.ownership import Ownership


def owner_of(connection: Connection, business_id: UUID) -> Ownership | None:
    row = connection.execute(
        text("SELECT owner, epoch FROM platform.ownership WHERE business_id = :business_id"),
        {"business_id": business_id},
    ).one_or_none()
    return None if row is None else Ownership(owner=row.owner, epoch=row.epoch)


def claim(connection: Connection, business_id: UUID, side: DatabaseName) -> Ownership:
    """Make `side` the first owner of a new business; answer the owner that stands when there is one already."""
    connection.execute(
        text("""
            INSERT INTO platform.ownership (business_id, owner, epoch) VALUES (:business_id, :side, 1)
                ON CONFLICT (business_id) DO NOTHING
        """),
        {"business_id": business_id, "side": side},
    )
    found = owner_of(connection, business_id)
    if found is None:
        raise LookupError(f"business {business_id} vanished from platform.ownership")
    return found


def all_owners(connection: Connection) -> dict[UUID, Ownership]:
    rows = connection.execute(text("SELECT business_id, owner, epoch FROM platform.ownership"))
    return {row.business_id: Ownership(owner=row.owner, epoch=row.epoch) for row in rows}
