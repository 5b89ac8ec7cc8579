"""The business, and the version of its rules."""

from uuid import UUID

from scheduling_service.engine.database import Connection


def insert_business(db: Connection, business_id: UUID, name: str, zone: str) -> None:
    """Insert a business together with its first lease."""
    db.execute("INSERT INTO scheduling.lease (business_id, active, epoch) VALUES (%s, true, 1)", (business_id,))
    db.execute(
        "INSERT INTO scheduling.business (business_id, name, zone) VALUES (%s, %s, %s)",
        (business_id, name, zone),
    )


def read_business(db: Connection, business_id: UUID) -> tuple[str, str, int, int] | None:
    """Return the name, zone, rules version and epoch. Index: primary keys."""
    return db.execute(
        """
        SELECT b.name, b.zone, b.rules_version, coalesce(l.epoch, 1)
          FROM scheduling.business b
          LEFT JOIN scheduling.lease l USING (business_id)
         WHERE b.business_id = %s
        """,
        (business_id,),
    ).fetchone()


def update_business(db: Connection, business_id: UUID, name: str, zone: str) -> None:
    """Change name and zone, and invalidate the compiled rules. Index: primary key."""
    db.execute(
        "UPDATE scheduling.business SET name = %s, zone = %s, rules_version = rules_version + 1 WHERE business_id = %s",
        (name, zone, business_id),
    )


def increment_rules_version(db: Connection, business_id: UUID) -> None:
    """Invalidate the compiled rules that processes have cached."""
    db.execute(
        "UPDATE scheduling.business SET rules_version = rules_version + 1 WHERE business_id = %s",
        (business_id,),
    )
