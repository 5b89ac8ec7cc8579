"""Prune the expired idempotency keys of a database, as its maintenance worker does."""

from contracts.chassis.credentials import role_url
from contracts.chassis.retention import Retention
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.maintenance.due_businesses import DueBusinesses
from scheduling_service.maintenance.expired_keys import ExpiredKeys
from tests.polling import eventually


def prune_keys(url: str, role_secret: str) -> None:
    """Run one cycle with the default retention. `url` has no credentials."""
    due = DueBusinesses(url, role_secret)
    database = EngineDatabase(role_url(url, "scheduling_app", role_secret), pool_size=1)
    eventually(due.try_to_lead, "leadership")
    pruner = ExpiredKeys(due, database, Retention().idempotency_keys)
    try:
        while pruner.step():
            pass
    finally:
        due.close()
        database.drop_idle()
