"""Resources: rooms and devices."""

from uuid import UUID

from psycopg.rows import class_row

from contracts.scheduling import models as m
from scheduling_service.engine.database import Connection


def upsert_resource(db: Connection, business_id: UUID, resource: m.Resource) -> None:
    db.execute(
        """
        INSERT INTO scheduling.resource (business_id, resource_id, kind, name, active) VALUES (%s, %s, %s, %s, %s)
            ON CONFLICT (business_id, resource_id) DO UPDATE
           SET kind = excluded.kind, name = excluded.name, active = excluded.active
        """,
        (business_id, resource.resource_id, resource.kind, resource.name, resource.active),
    )


def read_resources(db: Connection, business_id: UUID) -> list[m.Resource]:
    """Return all resources, sorted by kind, name, then id."""
    with db.cursor(row_factory=class_row(m.Resource)) as cursor:
        return cursor.execute(
            """
            SELECT resource_id, name, kind, active FROM scheduling.resource
             WHERE business_id = %s ORDER BY kind, name, resource_id
            """,
            (business_id,),
        ).fetchall()


def resource_exists(db: Connection, business_id: UUID, resource_id: UUID) -> bool:
    found = db.execute(
        "SELECT 1 FROM scheduling.resource WHERE business_id = %s AND resource_id = %s", (business_id, resource_id)
    ).fetchone()
    return found is not None


def count_resources(db: Connection, business_id: UUID) -> int:
    row = db.execute("SELECT count(*) FROM scheduling.resource WHERE business_id = %s", (business_id,)).fetchone()
    return 0 if row is None else int(row[0])
