"""What a seeding refuses beforehand, and what it proves of its rows before it commits them."""

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
# What row triggers and foreign keys would have refused, row by row; each counts what should not be.
_WRONG = {
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
    "appointments with somebody who does not perform the service": """
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
    """Raises CommandError, one line: not migrated, not an administrator, or already seeded."""
    first = SeededBusiness(plan, 0)
    for target, query, known in (
        (monolith, "SELECT 1 FROM auth.business WHERE slug = %s", first.slug),
        (scheduling, "SELECT 1 FROM scheduling.business WHERE business_id = %s", first.business_id),
    ):
        _require_migrated(target)
        with connect(target) as connection:
            if connection.execute(_SUPERUSER).fetchone() != (True,):
                raise CommandError(
                    f"seeding needs a superuser of the {target.name} database, and {target.setting} names "
                    f"{connection.info.user}: put an administrator's credentials there"
                )
            if connection.execute(query.encode(), (known,)).fetchone():
                raise CommandError(
                    f"the {target.name} database holds data of seed {plan.seed} already: choose another --seed"
                )


def require_sound(scheduling: Connection, businesses: Sequence[UUID]) -> None:
    """Raises CommandError when a row is there that the triggers would have refused. Overlaps cannot be there: the
    exclusion constraint is no trigger."""
    for what, query in _WRONG.items():
        row = scheduling.execute(query.encode(), {"businesses": list(businesses)}).fetchone()
        if row != (0,):
            count = row and row[0]
            raise CommandError(f"the seeding made {count} {what}, so nothing was kept: report this as a defect")


def _require_migrated(target: Target) -> None:
    connect(target).close()
    with open_connection(target.url) as connection:
        for schema in target.schemas:
            if not is_migrated(connection, schema):
                raise CommandError(
                    f"schema {schema.name} of the {target.name} database does not have the version of this code: "
                    f"run `extraction db setup {target.name}`"
                )
