"""What can be booked."""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Instant, ZoneName, require_zone
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.values import MOST_PROVIDERS, CalendarDate, Minutes, Seats, require_window

ProviderSet = Annotated[tuple[UUID, ...], Meta(max_length=MOST_PROVIDERS)]


class SearchSlots(Request, frozen=True):
    """Free starts in [start, end) for one offering; of one provider, of a set, or of all who perform it. A booking that
    differs in duration, seats or customer from what was searched for may be refused."""

    offering_id: UUID
    start: Instant
    end: Instant
    provider_id: UUID | None = None
    provider_ids: ProviderSet = ()
    """Only these; empty: `provider_id`, or all."""
    duration_minutes: Minutes | None = None
    """One of the offering's choices. None: its duration."""
    seats: Seats = 1
    customer_id: UUID | None = None
    """Whose limits count, for staff; a customer's own always do."""
    viewer_zone: ZoneName | None = None
    """For `by_day`. None: the business's."""
    by_day: bool = False

    def __post_init__(self) -> None:
        require_window(self.start, self.end)
        if self.viewer_zone is not None:
            require_zone(self.viewer_zone, "viewer_zone")


class Slot(Reply, frozen=True, omit_defaults=True):
    provider_id: UUID
    """Of a collective slot, the first of its providers."""
    starts_at: Instant
    ends_at: Instant
    seats_left: Seats | None = None
    """None: the offering has one seat."""


class SlotDay(Reply, frozen=True):
    """A local day of the viewer on which there are slots."""

    date: CalendarDate
    slots: tuple[Slot, ...]


class Slots(Reply, frozen=True):
    """By start, then provider. `zone` is the business's, or the viewer's if the request names one; instants are UTC.
    Grouped `by_day`, the slots stand in `days` and nowhere else."""

    zone: ZoneName
    slots: tuple[Slot, ...]
    days: tuple[SlotDay, ...] = ()


class NextAvailable(Request, frozen=True):
    """The first free starts from a moment on, at most 62 days ahead of it. `after` None: now, by the database's
    clock."""

    offering_id: UUID
    after: Instant | None = None
    provider_id: UUID | None = None
    provider_ids: ProviderSet = ()
    duration_minutes: Minutes | None = None
    seats: Seats = 1
    customer_id: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=20)] = 1


class GetOverview(Request, frozen=True):
    """On which local days there is room: `days` days from `first`, of the viewer's zone (None: the business's)."""

    offering_id: UUID
    first: CalendarDate
    days: Annotated[int, Meta(ge=1, le=62)] = 31
    provider_id: UUID | None = None
    provider_ids: ProviderSet = ()
    duration_minutes: Minutes | None = None
    seats: Seats = 1
    customer_id: UUID | None = None
    viewer_zone: ZoneName | None = None

    def __post_init__(self) -> None:
        if self.viewer_zone is not None:
            require_zone(self.viewer_zone, "viewer_zone")


class OverviewDay(Reply, frozen=True):
    date: CalendarDate
    has_room: bool


class Overview(Reply, frozen=True):
    """Every day asked for, in order, in the zone that `zone` names."""

    zone: ZoneName
    days: tuple[OverviewDay, ...]


class SearchVisits(Request, frozen=True):
    """Starts in [start, end) at which all these offerings can follow one another, in this order."""

    offering_ids: Annotated[tuple[UUID, ...], Meta(min_length=2, max_length=8)]
    start: Instant
    end: Instant
    provider_id: UUID | None = None
    """The same provider for all. None: each by anybody."""
    customer_id: UUID | None = None

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class VisitSlot(Reply, frozen=True):
    starts_at: Instant
    ends_at: Instant


class VisitSlots(Reply, frozen=True):
    """By start."""

    zone: ZoneName
    slots: tuple[VisitSlot, ...]
