"""Waiting for a time that is taken."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Cursor, Instant, PageSize
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.values import Seats, require_window

WaitlistStatus = Literal["waiting", "offered", "booked", "lapsed", "left"]
"""waiting -> offered -> booked, or lapsed when the offer expires or is given back. Offers go to who waits longest."""


class JoinWaitlist(Request, frozen=True):
    """Wait for a start in [start, end). When one comes free it is held for the customer, who confirms the hold in
    time or loses it to the next; an offer is made once, and who lets it pass joins again."""

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
    """The hold that was offered; confirm it."""


class LeaveWaitlist(Request, frozen=True):
    """An offer that was made is given back."""

    entry_id: UUID


class ListWaitlist(Request, frozen=True):
    """A customer sees their own only. Ordered by when they joined; `cursor` as for appointments."""

    offering_id: UUID | None = None
    status: WaitlistStatus | None = None
    cursor: Cursor | None = None
    limit: PageSize = 50


class WaitlistPage(Reply, frozen=True):
    entries: tuple[WaitlistEntry, ...]
    next_cursor: Cursor | None = None


class Settle(Request, frozen=True):
    """What is due by the database's clock: expire holds, make offers to those who wait. Harmless at any time; at most
    `limit` of each."""

    limit: Annotated[int, Meta(ge=1, le=1000)] = 200


class Settled(Reply, frozen=True):
    expired: int
    offered: int
