"""The business, its offerings, its providers and its resources."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from contracts.chassis.values import Name, ZoneName, require_zone
from contracts.scheduling.models.hours import Schedule, WorkingRange
from contracts.scheduling.models.kinds import Reply, Request, Value
from contracts.scheduling.values import Buffer, CalendarDate, Cutoff, Epoch, Minutes, Notice, ResourceKind, Seats

Assignment = Literal["round_robin", "weighted", "most_free", "collective"]
"""How a provider is chosen for a booking that names none. `round_robin`: the provider assigned least recently;
`weighted`: in proportion to the providers' weights; `most_free`: the provider with the fewest minutes booked on that
day in the zone of the business. Ties go to the provider assigned least recently, then to the lower id. `collective`:
every booking takes all providers of the offering together."""


class OpenBusiness(Request, frozen=True):
    """Open the business of the call's context."""

    name: Name
    zone: ZoneName

    def __post_init__(self) -> None:
        require_zone(self.zone)


class UpdateBusiness(Request, frozen=True):
    """Change name and zone of the business. Appointments keep their times, and providers their own zones; days that
    are counted in the zone of the business change with it. Idempotent."""

    name: Name
    zone: ZoneName

    def __post_init__(self) -> None:
        require_zone(self.zone)


class GetBusiness(Request, frozen=True):
    """Get the business of the call's context."""


class Business(Reply, frozen=True):
    """A business. Its customers, staff and prices belong to other modules."""

    business_id: UUID
    name: Name
    zone: ZoneName
    epoch: Epoch
    """The number of ownership periods: 1 for a new business, incremented by every cutover."""


# ---- offerings


class BookingWindow(Value, frozen=True):
    """How far ahead bookings are possible, in days of the business's zone; today is day 0.

    `rolling_days`: until the end of day `days`. `rolling_working_days`: the same, counting only days on which the
    provider works. `fixed`: from the first to the last date, inclusive.
    """

    kind: Literal["unlimited", "rolling_days", "rolling_working_days", "fixed"] = "unlimited"
    days: Annotated[int, Meta(ge=0, le=730)] | None = None
    first: CalendarDate | None = None
    last: CalendarDate | None = None

    def __post_init__(self) -> None:
        if (self.days is not None) != self.kind.startswith("rolling"):
            raise ValueError("`days` is required for a rolling window and not allowed for others")
        if (self.kind == "fixed") != (self.first is not None and self.last is not None):
            raise ValueError("`first` and `last` are required for a fixed window and not allowed for others")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("`last` must not be before `first`")


Limit = Annotated[int, Meta(ge=1, le=1000)]


class Limits(Value, frozen=True):
    """The maximum number of bookings of an offering in a day or in a week (from Monday) of the business's zone,
    counted by start.

    For a provider, sessions count (an appointment, or all seats of one start); for a customer, appointments count,
    including held and pending ones. None: no limit.
    """

    provider_day: Limit | None = None
    provider_week: Limit | None = None
    customer_day: Limit | None = None
    customer_week: Limit | None = None


class ChangePolicy(Value, frozen=True):
    """The changes that customers may make. The cut-off for cancelling is the offering's `cancel_cutoff_minutes`."""

    reschedule_cutoff_minutes: Cutoff | None = None
    """None: the cut-off for cancelling."""
    inside_cutoff: Literal["fee", "refuse"] = "fee"
    """What happens to a change after its cut-off: it costs the late fee, or it is refused."""
    late_fee_percent: Annotated[int, Meta(ge=0, le=100)] = 100
    """The fee for a change after its cut-off and for a no-show, in percent of the price."""
    max_reschedules: Annotated[int, Meta(ge=0, le=100)] | None = None
    """How often the customer may reschedule one appointment. None: no limit."""


class ResourceNeed(Value, frozen=True):
    """A number of resources of one kind that a booking occupies for the same time as the provider."""

    kind: ResourceKind
    quantity: Annotated[int, Meta(ge=1, le=10)] = 1


class OfferingRules(Struct, frozen=True, kw_only=True):
    """The booking rules of an offering. Buffers occupy the provider and the resources; they may lie outside working
    hours, and the buffers of neighbouring appointments do not overlap."""

    duration_choices_minutes: Annotated[tuple[Minutes, ...], Meta(max_length=10)] = ()
    """Further durations that a customer may choose."""
    step_minutes: Minutes | None = None
    """The distance between slots, in elapsed time from the opening of a working range. None: the duration."""
    offset_minutes: Annotated[int, Meta(ge=0, le=24 * 60 - 1)] = 0
    """The distance from the opening to the first slot."""
    cancel_cutoff_minutes: Cutoff = 24 * 60
    """How long before the start a customer may still cancel without a fee."""
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    min_notice_minutes: Notice = 0
    """The minimum time between booking and start. A start is never in the past."""
    window: BookingWindow = BookingWindow()
    limits: Limits = Limits()
    capacity: Seats = 1
    """The number of seats in one session. Above 1, bookings of the same start share a provider until no seat is
    left."""
    assignment: Assignment = "round_robin"
    needs: Annotated[tuple[ResourceNeed, ...], Meta(max_length=5)] = ()
    requires_approval: bool = False
    """A booking by a customer is pending, and occupies its time, until staff approve or decline it."""
    hold_minutes: Annotated[int, Meta(ge=1, le=120)] = 10
    """How long a hold reserves its slot."""
    policy: ChangePolicy = ChangePolicy()

    def __post_init__(self) -> None:
        kinds = [need.kind for need in self.needs]
        if len(set(kinds)) != len(kinds):
            raise ValueError("`needs` contains a kind twice")
        if self.assignment == "collective" and self.capacity > 1:
            raise ValueError("`capacity` above 1 requires an assignment other than `collective`")


class CreateOffering(OfferingRules, Request, frozen=True):
    """Add an offering: a service that customers can book."""

    name: Name
    duration_minutes: Minutes


class UpdateOffering(OfferingRules, Request, frozen=True):
    """Replace an offering. Booked appointments keep their times; the new policy applies to them."""

    offering_id: UUID
    name: Name
    duration_minutes: Minutes
    active: bool = True
    """An inactive offering cannot be booked, but can still be read."""


class Offering(OfferingRules, Reply, frozen=True):
    """A service that customers can book."""

    offering_id: UUID
    name: Name
    duration_minutes: Minutes
    step_minutes: Minutes
    active: bool


class ListOfferings(Request, frozen=True):
    """List all offerings."""


class Offerings(Reply, frozen=True):
    """Offerings by name, then id."""

    offerings: tuple[Offering, ...]


# ---- providers

Weight = Annotated[int, Meta(ge=1, le=100)]


class CreateProvider(Request, frozen=True):
    """Add a provider: a person whose time is booked. Weekly hours are wall-clock times in `zone`."""

    name: Name
    zone: ZoneName
    weight: Weight = 1
    """The share of `weighted` assignments."""

    def __post_init__(self) -> None:
        require_zone(self.zone)


class UpdateProvider(Request, frozen=True):
    """Replace a provider. A new zone keeps the wall-clock hours."""

    provider_id: UUID
    name: Name
    zone: ZoneName
    active: bool = True
    weight: Weight = 1

    def __post_init__(self) -> None:
        require_zone(self.zone)


class AssignOfferings(Request, frozen=True):
    """Replace the set of offerings that a provider performs. Idempotent."""

    provider_id: UUID
    offering_ids: Annotated[tuple[UUID, ...], Meta(max_length=200)]


class Provider(Reply, frozen=True):
    """A person whose time is booked."""

    provider_id: UUID
    name: Name
    zone: ZoneName
    active: bool
    offering_ids: tuple[UUID, ...]
    weekly_hours: tuple[WorkingRange, ...]
    """The hours of the week that applies when no dated schedule does."""
    schedules: tuple[Schedule, ...] = ()
    """The dated schedules, by first date."""
    weight: Weight = 1


class ListProviders(Request, frozen=True):
    """List all providers."""


class Providers(Reply, frozen=True):
    """Providers, sorted by name, then id."""

    providers: tuple[Provider, ...]


# ---- resources


class CreateResource(Request, frozen=True):
    """Add a resource, such as a room or a device, that a booking occupies in addition to a provider. It is always
    available except for blocked time."""

    name: Name
    kind: ResourceKind


class UpdateResource(Request, frozen=True):
    """Replace a resource. New bookings do not use an inactive resource."""

    resource_id: UUID
    name: Name
    kind: ResourceKind
    active: bool = True


class Resource(Reply, frozen=True):
    """A room, a device, or another thing that bookings occupy."""

    resource_id: UUID
    name: Name
    kind: ResourceKind
    active: bool


class ListResources(Request, frozen=True):
    """List all resources."""


class Resources(Reply, frozen=True):
    """Resources, sorted by kind, name, then id."""

    resources: tuple[Resource, ...]
