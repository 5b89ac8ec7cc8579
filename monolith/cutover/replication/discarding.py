"""Deletion of copies, which must never be replicated: the owner's rows would be deleted too."""

from uuid import UUID

from psycopg import sql

from monolith.cutover.databases import Connection, SchedulingDatabase
from monolith.cutover.replication.requirements import require_unpaired

# Children before their parents, as the foreign keys require.
_DISCARDED = (
    "fence_mark", "idempotency", "history", "waitlist", "assignment", "appointment", "session", "claim", "block",
    "resource", "holiday", "date_override", "weekly_hours", "schedule", "provider_offering", "provider", "offering",
    "business",
)  # fmt: skip


def discard(database: SchedulingDatabase, db: Connection, business_id: UUID) -> int:
    """Delete the copy of a business in one transaction, over a connection as `REPLICATOR`; return the number of rows.

    No subscriber receives the deletion, even if replication starts at the same time. Raises ReplicationRefused, with
    nothing deleted, while the database replicates with any other; a trigger refuses the rows of an owned business.
    """
    with db.transaction():
        # The order matters. A slot that is created after this look waits for every transaction that has an id by
        # then, and sends none of their changes.
        db.execute("SELECT pg_current_xact_id()")
        require_unpaired(database, db, ())
        return sum(
            db.execute(
                sql.SQL("DELETE FROM scheduling.{} WHERE business_id = %s").format(sql.Identifier(table)),
                (business_id,),
            ).rowcount
            for table in _DISCARDED
        )
