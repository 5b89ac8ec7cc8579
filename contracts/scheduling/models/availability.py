"""Availability: free slots, days with free slots, and free times for visits.

The cost of a search is bounded: it examines at most `MOST_STARTS` possible start times (providers x days x starts per
day). The reply to a longer search is capped: it is complete up to the time that its last field names, and a search from
there continues it.
"""

from typing import Annotated
from uuid import UUID

from msgspec import Meta

from contracts.chassis.values import Instant, ZoneName, require_zone
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.values import MOST_PROVIDERS, CalendarDate, Minutes, Seats, require_window

ProviderSet = Annotated[tuple[UUID, ...], Meta(max_length=MOST_PROVIDERS)]


class SearchSlots(Request, frozen=True):
    """Search the free start times of an offering in [start, end): of one provider, of a set of providers, or of all
    that perform the offering. A booking whose duration, seats or customer differ from the search may be refused."""

    offering_id: UUID
    start: Instant
    end: Instant
    provider_id: UUID | None = None
    provider_ids: ProviderSet = ()
    """Only these providers. Empty: the provider in `provider_id`, or all."""
    duration_minutes: Minutes | None = None
    """One of the offering's durations. None: its standard duration."""
    seats: Seats = 1
    customer_id: UUID | None = None
    """The customer whose limits apply, for searches by staff; a customer's own limits always apply."""
    viewer_zone: ZoneName | None = None
    """The time zone of the days with `by_day`. None: the zone of the business."""
    by_day: bool = False
    """Group the slots by local day, in `days`."""

    def __post_init__(self) -> None:
        require_window(self.start, self.end)
        if self.viewer_zone is not None:
            require_zone(self.viewer_zone, "viewer_zone")


class Slot(Reply, frozen=True, omit_defaults=True, gc=False):
    """A free time of a provider."""

    provider_id: UUID
    """For a collective slot, the first of its providers."""
    starts_at: Instant
    ends_at: Instant
    seats_left: Seats | None = None
    """None: the offering has a single seat."""


class SlotDay(Reply, frozen=True):
    """The slots of one local day in the viewer's zone."""

    date: CalendarDate
    slots: tuple[Slot, ...]


class Slots(Reply, frozen=True):
    """Slots by start, then provider. `zone` is the viewer's zone if the request names one, otherwise that of the
    business; instants are in UTC. With `by_day`, the slots are in `days` and `slots` is empty."""

    zone: ZoneName
    slots: tuple[Slot, ...]
    days: tuple[SlotDay, ...] = ()
    next_start: Instant | None = None
    """None: nothing is missing. Otherwise the search was too long: the reply has only the slots before this instant.
    To continue, search with it as `start`, or as `after` with `next_available`."""


class NextAvailable(Request, frozen=True):
    """Search the first free start times after a point in time, within 62 days. `after` None: now, by the database's
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
    """Find the local days with a free start time, for `days` days from `first`, in the viewer's zone (None: the zone
    of the business)."""

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
    """A local day, and whether it has a free start time."""

    date: CalendarDate
    has_room: bool


class Overview(Reply, frozen=True):
    """All requested days, in order, in the zone `zone`."""

    zone: ZoneName
    days: tuple[OverviewDay, ...]
    next_first: CalendarDate | None = None
    """None: all days are there. Otherwise the request was too long: this is the first day that is missing. To
    continue, request an overview with it as `first`. The zone is `zone`."""


class SearchVisits(Request, frozen=True):
    """Search the start times in [start, end) at which the offerings can follow one another in the given order."""

    offering_ids: Annotated[tuple[UUID, ...], Meta(min_length=2, max_length=8)]
    start: Instant
    end: Instant
    provider_id: UUID | None = None
    """One provider for all offerings. None: any provider for each."""
    customer_id: UUID | None = None

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class VisitSlot(Reply, frozen=True, gc=False):
    """The free time of a visit, from the start of its first offering to the end of its last."""

    starts_at: Instant
    ends_at: Instant


class VisitSlots(Reply, frozen=True):
    """Free times for a visit, by start."""

    zone: ZoneName
    slots: tuple[VisitSlot, ...]
    next_start: Instant | None = None
    """None: nothing is missing. Otherwise the search was too long: the reply has only the times before this instant.
    To continue, search with it as `start`."""
