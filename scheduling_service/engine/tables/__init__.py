"""The tables, as SQLAlchemy knows them; a test holds them against what the migrations make.

What SQLAlchemy cannot say (the exclusion constraint, row security, the guards) stands in the migrations.
"""

from scheduling_service.engine.tables.base import SCHEMA, metadata
from scheduling_service.engine.tables.bookings import appointment, assignment, claim, history, session, waitlist
from scheduling_service.engine.tables.protocol import canary, fence_mark, idempotency, lease, outbox
from scheduling_service.engine.tables.rules import (
    block,
    business,
    date_override,
    holiday,
    offering,
    provider,
    provider_offering,
    resource,
    schedule,
    weekly_hours,
)

__all__ = [
    "SCHEMA",
    "appointment",
    "assignment",
    "block",
    "business",
    "canary",
    "claim",
    "date_override",
    "fence_mark",
    "history",
    "holiday",
    "idempotency",
    "lease",
    "metadata",
    "offering",
    "outbox",
    "provider",
    "provider_offering",
    "resource",
    "schedule",
    "session",
    "waitlist",
    "weekly_hours",
]
