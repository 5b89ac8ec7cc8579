"""Composition of the maintenance worker, for the relay process and for the monolith's worker."""

from datetime import timedelta

from contracts.chassis.credentials import role_url
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from scheduling_service.maintenance.due_businesses import DueBusinesses
from scheduling_service.maintenance.expired_keys import ExpiredKeys
from scheduling_service.maintenance.worker import MaintenanceWorker


def build_maintenance_worker(
    database_url: str, direct_url: str, role_secret: str, key_retention: timedelta
) -> MaintenanceWorker:
    """Build the worker for the database at `database_url`, and at `direct_url` without a pooler. It connects later."""
    database = EngineDatabase(role_url(database_url, "scheduling_app", role_secret), pool_size=1)
    due = DueBusinesses(direct_url, role_secret)
    return MaintenanceWorker(due, SchedulingEngine(database), ExpiredKeys(due, database, key_retention))
