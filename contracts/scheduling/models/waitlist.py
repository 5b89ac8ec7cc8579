"""The waitlist: requests for time that is occupied."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Cursor, Instant, PageSize
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.values import Seats, require_window

WaitlistStatus = Literal["waiting", "offered", "booked", "lapsed", "left"]
"""Transitions: waiting -> offered -> booked, or lapsed if the offer expires or is released; waiting or offered ->
left. The entry that has waited longest gets the next offer."""


class JoinWaitlist(Request, frozen=True):
    """Join the waitlist for a start time in [start, end). When a slot becomes free, it is held for the customer, who
    must confirm the hold before it expires. Each entry gets one offer; after an expired offer the customer must join
    again."""

    offering_id: UUID
    customer_id: UUID
    start: Instant
    end: Instant
    provider_id: UUID | None = None
    seats: Seats = 1
    offer_minutes: Annotated[int, Meta(ge=1, le=24 * 60)] = 30

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class WaitlistEntry(Reply, frozen=True):
    """A customer's place on the waitlist."""

    entry_id: UUID
    offering_id: UUID
    customer_id: UUID
    start: Instant
    end: Instant
    provider_id: UUID | None
    seats: Seats
    offer_minutes: int
    status: WaitlistStatus
    joined_at: Instant
    appointment_id: UUID | None = None
    """The offered hold, to be confirmed."""


class LeaveWaitlist(Request, frozen=True):
    """Leave the waitlist. The slot of a pending offer is released."""

    entry_id: UUID


class ListWaitlist(Request, frozen=True):
    """List waitlist entries by the time of joining. Customers see their own entries only. `cursor` is the
    `next_cursor` of the previous page."""

    offering_id: UUID | None = None
    status: WaitlistStatus | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class WaitlistPage(Reply, frozen=True):
    """One page of waitlist entries."""

    entries: tuple[WaitlistEntry, ...]
    next_cursor: Cursor | None = None


class Settle(Request, frozen=True):
    """Expire overdue holds and offer free slots to the waitlist, by the database's clock; at most `limit` of each.
    May be called at any time."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class Settled(Reply, frozen=True):
    """The number of holds that expired and of offers that were made."""

    expired: int
    offered: int
