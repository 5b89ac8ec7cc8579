"""The tables as SQLAlchemy metadata; a test compares them with what the migrations create.

What SQLAlchemy cannot express (the exclusion constraint, row-level security, the triggers) is only in the migrations.
"""

from scheduling_service.engine.tables.bookings import appointment, assignment, claim, history, session, waitlist
from scheduling_service.engine.tables.declarations import SCHEMA, metadata
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
