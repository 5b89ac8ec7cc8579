"""Load a catalog and compile it for availability queries."""

from uuid import UUID

from contracts.scheduling.errors import BusinessNotFound
from scheduling_service.engine.database import Connection
from scheduling_service.engine.rules import BusinessRules, compile_rules
from scheduling_service.engine.store.catalog import blocks, dates, offerings, providers, read_business, resources


def load_rules(db: Connection, business_id: UUID) -> BusinessRules:
    """Read and compile the rules, in a constant number of statements.

    The version is read first. If the catalog changes in between, the rules are newer than their version, and the next
    comparison of versions reloads them.
    """
    business = read_business(db, business_id)
    if business is None:
        raise BusinessNotFound("There is no such business.")
    name, zone, version, _ = business
    return compile_rules(
        version,
        name,
        zone,
        offerings.read_offerings(db, business_id),
        providers.read_providers(db, business_id),
        dates.read_overrides(db, business_id),
        dates.read_holidays(db, business_id),
        blocks.read_blocks(db, business_id),
        resources.read_resources(db, business_id),
    )
