"""The routing table: the database that owns each business.

The flag is what an operator requests; this table is what is true. A row is inserted when a business is created, with
the database that the flag selects. Its `owner` changes only by the decision of a cutover.
"""

from typing import Any
from uuid import UUID

import psycopg
from sqlalchemy import Connection, text

from contracts.scheduling.values import DatabaseName
from monolith.modules.scheduling.ownership import Ownership


def owner_of(connection: Connection, business_id: UUID) -> Ownership | None:
    row = connection.execute(
        text("SELECT owner, epoch FROM cutover.ownership WHERE business_id = :business_id"),
        {"business_id": business_id},
    ).one_or_none()
    return None if row is None else Ownership(owner=row.owner, epoch=row.epoch)


def claim(connection: Connection, business_id: UUID, owner: DatabaseName) -> Ownership:
    """Make `owner` the first owner of a new business, and return the stored ownership, which an earlier call may have
    set."""
    connection.execute(
        text("""
            INSERT INTO cutover.ownership (business_id, owner, epoch) VALUES (:business_id, :owner, 1)
                ON CONFLICT (business_id) DO NOTHING
        """),
        {"business_id": business_id, "owner": owner},
    )
    found = owner_of(connection, business_id)
    if found is None:
        raise LookupError(f"business {business_id} vanished from cutover.ownership")
    return found


def all_owners(connection: Connection) -> dict[UUID, Ownership]:
    rows = connection.execute(text("SELECT business_id, owner, epoch FROM cutover.ownership"))
    return {row.business_id: Ownership(owner=row.owner, epoch=row.epoch) for row in rows}


def read_owners(control_db: psycopg.Connection[tuple[Any, ...]]) -> list[tuple[UUID, DatabaseName]]:
    """Return each business with its owner, sorted by id, over a controller's connection."""
    return control_db.execute("SELECT business_id, owner FROM cutover.ownership ORDER BY business_id").fetchall()
