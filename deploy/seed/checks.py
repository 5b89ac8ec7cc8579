"""Checks before seeding, and of the seeded rows before the commit."""

from collections.abc import Sequence
from uuid import UUID

from deploy.databases.migrate import is_migrated, open_connection
from deploy.databases.schemas import Target
from deploy.databases.set_up import connect
from deploy.errors import CommandError
from deploy.seed.business import SeededBusiness
from deploy.seed.copying import Connection
from deploy.seed.plan import SeedPlan

_SUPERUSER = "SELECT rolsuper FROM pg_roles WHERE rolname = current_user"
# Queries for the rows that triggers and foreign keys would have rejected; each must count zero.
_VIOLATIONS = {
    "active appointments without a claim on their provider's time": """
        SELECT count(*) FROM scheduling.appointment a
         WHERE a.business_id = ANY (%(businesses)s) AND a.status IN ('held', 'pending', 'booked') AND NOT a.overbooked
           AND NOT EXISTS (
               SELECT 1 FROM scheduling.claim c
                WHERE c.business_id = a.business_id AND c.resource_id = a.provider_id
                  AND c.holder_id = coalesce(a.session_id, a.appointment_id)
                  AND c.starts_at <= a.starts_at AND c.ends_at >= a.ends_at AND NOT c.overbooked)
    """,
    "appointments without their history": """
        SELECT count(*) FROM scheduling.appointment a
         WHERE a.business_id = ANY (%(businesses)s)
           AND NOT EXISTS (
               SELECT 1 FROM scheduling.history h
                WHERE h.business_id = a.business_id AND h.appointment_id = a.appointment_id AND h.version = a.version)
    """,
    "appointments with a provider who does not perform the service": """
        SELECT count(*) FROM (SELECT DISTINCT business_id, provider_id, offering_id FROM scheduling.appointment
                               WHERE business_id = ANY (%(businesses)s)) a
         WHERE NOT EXISTS (
               SELECT 1 FROM scheduling.provider_offering po
                 JOIN scheduling.provider USING (business_id, provider_id)
                 JOIN scheduling.offering USING (business_id, offering_id)
                WHERE (po.business_id, po.provider_id, po.offering_id)
                    = (a.business_id, a.provider_id, a.offering_id))
    """,
    "businesses without a lease": """
        SELECT count(*) FROM unnest(%(businesses)s::uuid[]) AS b (business_id)
         WHERE NOT EXISTS (SELECT 1 FROM scheduling.business x WHERE x.business_id = b.business_id)
            OR NOT EXISTS (SELECT 1 FROM scheduling.lease l WHERE l.business_id = b.business_id AND l.active)
    """,
}


def require_ready(plan: SeedPlan, monolith: Target, scheduling: Target) -> None:
    """Raise CommandError if a database is not migrated or already seeded, or if the user is not a superuser."""
    first = SeededBusiness(plan, 0)
    for target, query, known in (
        (monolith, "SELECT 1 FROM auth.business WHERE slug = %s", first.slug),
        (scheduling, "SELECT 1 FROM scheduling.business WHERE business_id = %s", first.business_id),
    ):
        _require_migrated(target)
        with connect(target) as connection:
            if connection.execute(_SUPERUSER).fetchone() != (True,):
                raise CommandError(
                    f"seeding needs a superuser of the {target.name} database, but {target.setting} names "
                    f"{connection.info.user}: use an administrator's credentials"
                )
            if connection.execute(query.encode(), (known,)).fetchone():
                raise CommandError(
                    f"the {target.name} database already holds data of seed {plan.seed}: choose another --seed"
                )


def require_sound(scheduling: Connection, businesses: Sequence[UUID]) -> None:
    """Raise CommandError for rows that the triggers would have rejected.

    Overlaps cannot exist: the exclusion constraint is not a trigger.
    """
    for what, query in _VIOLATIONS.items():
        row = scheduling.execute(query.encode(), {"businesses": list(businesses)}).fetchone()
        if row != (0,):
            count = row and row[0]
            raise CommandError(f"seeding created {count} {what}, and everything was rolled back: report this defect")


def _require_migrated(target: Target) -> None:
    connect(target).close()
    with open_connection(target.url) as connection:
        for schema in target.schemas:
            if not is_migrated(connection, schema):
                raise CommandError(
                    f"schema {schema.name} of the {target.name} database is not migrated to the version of this code: "
                    f"run `extraction db setup {target.name}`"
                )
