"""Requests and replies of the port.

Requests refuse unknown fields. Replies tolerate added ones, so that a service may grow before its clients do
(`deploy/decisions/0002-tolerant-replies.md`); what they know they check strictly. All are immutable. Every instant
leaves in UTC; every interval is half-open.
"""

from itertools import pairwise
from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from contracts.scheduling.values import (
    ClosingTime,
    Cursor,
    Cutoff,
    Epoch,
    Instant,
    IsoWeekday,
    Minutes,
    Name,
    Note,
    PageSize,
    Side,
    Version,
    WallTime,
    ZoneName,
    require_start,
    require_window,
    require_zone,
)

AppointmentStatus = Literal["booked", "cancelled"]


class Request(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a caller asks. Which business is meant is in the call's context, never in the request."""


class Reply(Struct, frozen=True, kw_only=True):
    """What scheduling answers."""


# ---- the business and its catalog


class OpenBusiness(Request, frozen=True):
    name: Name
    zone: ZoneName

    def __post_init__(self) -> None:
        require_zone(self.zone)


class GetBusiness(Request, frozen=True):
    pass


class Business(Reply, frozen=True):
    business_id: UUID
    name: Name
    zone: ZoneName
    epoch: Epoch
    """Counts the moves between topologies; 1 at creation."""


class CreateOffering(Request, frozen=True):
    """A service that customers can book. A slot starts every `step_minutes` from the opening of a working range."""

    name: Name
    duration_minutes: Minutes
    step_minutes: Minutes | None = None
    """None: the duration."""
    cancel_cutoff_minutes: Cutoff = 24 * 60
    """A customer cancels in time until this long before the start."""


class UpdateOffering(Request, frozen=True):
    """Replaces the offering; appointments already booked keep their times."""

    offering_id: UUID
    name: Name
    duration_minutes: Minutes
    step_minutes: Minutes | None = None
    cancel_cutoff_minutes: Cutoff = 24 * 60
    active: bool = True
    """An inactive offering cannot be booked; it stays readable."""


class Offering(Reply, frozen=True):
    offering_id: UUID
    name: Name
    duration_minutes: Minutes
    step_minutes: Minutes
    cancel_cutoff_minutes: Cutoff
    active: bool


class ListOfferings(Request, frozen=True):
    pass


class Offerings(Reply, frozen=True):
    """By name, then id."""

    offerings: tuple[Offering, ...]


class CreateProvider(Request, frozen=True):
    """A person whose time is booked. Weekly hours are wall-clock times in `zone`."""

    name: Name
    zone: ZoneName

    def __post_init__(self) -> None:
        require_zone(self.zone)


class UpdateProvider(Request, frozen=True):
    """Replaces the provider. A new zone keeps the wall-clock hours."""

    provider_id: UUID
    name: Name
    zone: ZoneName
    active: bool = True

    def __post_init__(self) -> None:
        require_zone(self.zone)


class AssignOfferings(Request, frozen=True):
    """Replaces the set of offerings that the provider performs. Idempotent."""

    provider_id: UUID
    offering_ids: Annotated[tuple[UUID, ...], Meta(max_length=200)]


class WeeklyRange(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A working range on one weekday: wall clock in the provider's zone, half-open."""

    weekday: IsoWeekday
    opens: WallTime
    closes: ClosingTime

    def __post_init__(self) -> None:
        if self.closes <= self.opens:
            raise ValueError("`closes` must be later than `opens` on the same day")


class SetWeeklyHours(Request, frozen=True):
    """Replaces the provider's week. Ranges of one day must not overlap. Idempotent."""

    provider_id: UUID
    ranges: Annotated[tuple[WeeklyRange, ...], Meta(max_length=84)]

    def __post_init__(self) -> None:
        ordered = sorted(self.ranges, key=lambda r: (r.weekday, r.opens))
        for earlier, later in pairwise(ordered):
            if earlier.weekday == later.weekday and later.opens < earlier.closes:
                raise ValueError(f"`ranges` overlap on weekday {later.weekday} at {later.opens}")


class WorkingRange(Reply, frozen=True):
    """A `WeeklyRange` as it stands."""

    weekday: IsoWeekday
    opens: WallTime
    closes: ClosingTime


class Provider(Reply, frozen=True):
    provider_id: UUID
    name: Name
    zone: ZoneName
    active: bool
    offering_ids: tuple[UUID, ...]
    weekly_hours: tuple[WorkingRange, ...]


class ListProviders(Request, frozen=True):
    pass


class Providers(Reply, frozen=True):
    """By name, then id."""

    providers: tuple[Provider, ...]


# ---- availability


class SearchSlots(Request, frozen=True):
    """Free starts in [start, end) for one offering; of one provider, or of all who perform it."""

    offering_id: UUID
    start: Instant
    end: Instant
    provider_id: UUID | None = None

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class Slot(Reply, frozen=True):
    provider_id: UUID
    starts_at: Instant
    ends_at: Instant


class Slots(Reply, frozen=True):
    """By start, then provider. `zone` is the business's, for display."""

    zone: ZoneName
    slots: tuple[Slot, ...]


# ---- appointments


class Book(Request, frozen=True):
    """Exactly what search lists can be booked; anything else is `SlotUnavailable` with the reason."""

    offering_id: UUID
    provider_id: UUID
    customer_id: UUID
    starts_at: Instant
    note: Note = ""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Appointment(Reply, frozen=True):
    appointment_id: UUID
    offering_id: UUID
    offering_name: Name
    provider_id: UUID
    provider_name: Name
    customer_id: UUID
    starts_at: Instant
    ends_at: Instant
    zone: ZoneName
    """The provider's, at the time of booking."""
    status: AppointmentStatus
    version: Version
    """1 when booked, one more at every change."""
    note: Note
    booked_at: Instant
    cancelled_at: Instant | None = None
    cancel_reason: Note | None = None
    cancelled_in_time: bool | None = None
    """Whether the cancellation came before the offering's cut-off; staff always cancel in time."""


class GetAppointment(Request, frozen=True):
    appointment_id: UUID


class Reschedule(Request, frozen=True):
    """Moves the appointment, keeping its id. It does not stand in its own way."""

    appointment_id: UUID
    starts_at: Instant
    expected_version: Version
    provider_id: UUID | None = None
    """None: the same provider."""

    def __post_init__(self) -> None:
        require_start("starts_at", self.starts_at)


class Cancel(Request, frozen=True):
    appointment_id: UUID
    reason: Note = ""
    expected_version: Version | None = None
    """None: whatever the version is."""


class ListAppointments(Request, frozen=True):
    """A customer sees their own only. Ordered by start, then id; `cursor` is the previous page's `next_cursor`."""

    customer_id: UUID | None = None
    provider_id: UUID | None = None
    status: AppointmentStatus | None = None
    start: Instant | None = None
    """Only appointments that start at or after this."""
    cursor: Cursor | None = None
    limit: PageSize = 50


class AppointmentPage(Reply, frozen=True):
    appointments: tuple[Appointment, ...]
    next_cursor: Cursor | None = None
    """None on the last page."""


class GetAgenda(Request, frozen=True):
    """The provider's active appointments that touch [start, end), by start."""

    provider_id: UUID
    start: Instant
    end: Instant

    def __post_init__(self) -> None:
        require_window(self.start, self.end)


class Agenda(Reply, frozen=True):
    provider_id: UUID
    zone: ZoneName
    appointments: tuple[Appointment, ...]


class Ownership(Struct, frozen=True, kw_only=True):
    """Which side owns a business, and since which epoch."""

    owner: Side
    epoch: Epoch
