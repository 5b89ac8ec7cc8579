"""The business, its offerings, its providers and its resources."""

from typing import Annotated, Literal
from uuid import UUID

from msgspec import Meta, Struct

from contracts.chassis.values import Name, ZoneName, require_zone
from contracts.scheduling.models.hours import Schedule, WorkingRange
from contracts.scheduling.models.kinds import Reply, Request, Value
from contracts.scheduling.values import Buffer, CalendarDate, Cutoff, Epoch, Minutes, Notice, ResourceKind, Seats

Assignment = Literal["round_robin", "weighted", "most_free", "collective"]
"""Who gets a booking that names no provider. `round_robin`: whoever was assigned longest ago; `weighted`: in proportion
to the providers' weights; `most_free`: whoever has the fewest minutes booked on that day of the business. Ties go to
the one assigned longest ago, then to the lower id. `collective`: all providers of the offering together, always."""


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


# ---- offerings


class BookingWindow(Value, frozen=True):
    """How far ahead one may book, in days of the business's zone; today is day 0.

    `rolling_days`: starts up to the end of day `days`. `rolling_working_days`: the same, counting only days on which
    the provider works. `fixed`: from the first to the last date, both included.
    """

    kind: Literal["unlimited", "rolling_days", "rolling_working_days", "fixed"] = "unlimited"
    days: Annotated[int, Meta(ge=0, le=730)] | None = None
    first: CalendarDate | None = None
    last: CalendarDate | None = None

    def __post_init__(self) -> None:
        if (self.days is not None) != self.kind.startswith("rolling"):
            raise ValueError("`days` belongs to a rolling window, and a rolling window needs it")
        if (self.kind == "fixed") != (self.first is not None and self.last is not None):
            raise ValueError("`first` and `last` belong to a fixed window, and a fixed window needs both")
        if self.first is not None and self.last is not None and self.last < self.first:
            raise ValueError("`last` must not be before `first`")


Limit = Annotated[int, Meta(ge=1, le=1000)]


class Limits(Value, frozen=True):
    """At most so many of this offering in a day, or a week from Monday, of the business's zone, counted by their start.

    A provider's are sessions (appointments, or groups of seats); a customer's are appointments, held and pending
    included. None: no limit.
    """

    provider_day: Limit | None = None
    provider_week: Limit | None = None
    customer_day: Limit | None = None
    customer_week: Limit | None = None


class ChangePolicy(Value, frozen=True):
    """What customers may still change. The cut-off for cancelling is the offering's `cancel_cutoff_minutes`."""

    reschedule_cutoff_minutes: Cutoff | None = None
    """None: as for cancelling."""
    inside_cutoff: Literal["fee", "refuse"] = "fee"
    """Inside a cut-off a change costs the fee, or is refused."""
    late_fee_percent: Annotated[int, Meta(ge=0, le=100)] = 100
    """Of the price, for a change inside its cut-off and for a no-show."""
    max_reschedules: Annotated[int, Meta(ge=0, le=100)] | None = None
    """By the customer, of one appointment. None: as often as they like."""


class ResourceNeed(Value, frozen=True):
    """So many resources of one kind, for as long as the provider is taken."""

    kind: ResourceKind
    quantity: Annotated[int, Meta(ge=1, le=10)] = 1


class OfferingRules(Struct, frozen=True, kw_only=True):
    """What an offering may set besides its name and duration. Buffers are taken of the provider and of resources; they
    may lie outside working hours, and those of neighbours do not share time."""

    duration_choices_minutes: Annotated[tuple[Minutes, ...], Meta(max_length=10)] = ()
    """Other durations that a customer may choose."""
    step_minutes: Minutes | None = None
    """None: the duration. A slot starts every step from the opening of a working range, in real time."""
    offset_minutes: Annotated[int, Meta(ge=0, le=24 * 60 - 1)] = 0
    """The first slot starts this long after the opening."""
    cancel_cutoff_minutes: Cutoff = 24 * 60
    """A customer cancels in time until this long before the start."""
    buffer_before_minutes: Buffer = 0
    buffer_after_minutes: Buffer = 0
    min_notice_minutes: Notice = 0
    """A start lies at least this long ahead; and always ahead."""
    window: BookingWindow = BookingWindow()
    limits: Limits = Limits()
    capacity: Seats = 1
    """People in one session. Above 1, bookings of the same start share a provider until the seats are gone."""
    assignment: Assignment = "round_robin"
    needs: Annotated[tuple[ResourceNeed, ...], Meta(max_length=5)] = ()
    requires_approval: bool = False
    """Booked by a customer it is pending, and takes the time, until staff approve or decline."""
    hold_minutes: Annotated[int, Meta(ge=1, le=120)] = 10
    """How long a checkout holds a slot."""
    policy: ChangePolicy = ChangePolicy()

    def __post_init__(self) -> None:
        kinds = [need.kind for need in self.needs]
        if len(set(kinds)) != len(kinds):
            raise ValueError("`needs` names a kind twice")
        if self.assignment == "collective" and self.capacity > 1:
            raise ValueError("`capacity` above 1 needs an assignment to one provider, not `collective`")


class CreateOffering(OfferingRules, Request, frozen=True):
    """A service that customers can book."""

    name: Name
    duration_minutes: Minutes


class UpdateOffering(OfferingRules, Request, frozen=True):
    """Replaces the offering; appointments already booked keep their times, and are judged by the new policy."""

    offering_id: UUID
    name: Name
    duration_minutes: Minutes
    active: bool = True
    """An inactive offering cannot be booked; it stays readable."""


class Offering(OfferingRules, Reply, frozen=True):
    offering_id: UUID
    name: Name
    duration_minutes: Minutes
    step_minutes: Minutes
    active: bool


class ListOfferings(Request, frozen=True):
    pass


class Offerings(Reply, frozen=True):
    """By name, then id."""

    offerings: tuple[Offering, ...]


# ---- providers

Weight = Annotated[int, Meta(ge=1, le=100)]


class CreateProvider(Request, frozen=True):
    """A person whose time is booked. Weekly hours are wall-clock times in `zone`."""

    name: Name
    zone: ZoneName
    weight: Weight = 1
    """The share of `weighted` assignments."""

    def __post_init__(self) -> None:
        require_zone(self.zone)


class UpdateProvider(Request, frozen=True):
    """Replaces the provider. A new zone keeps the wall-clock hours."""

    provider_id: UUID
    name: Name
    zone: ZoneName
    active: bool = True
    weight: Weight = 1

    def __post_init__(self) -> None:
        require_zone(self.zone)


class AssignOfferings(Request, frozen=True):
    """Replaces the set of offerings that the provider performs. Idempotent."""

    provider_id: UUID
    offering_ids: Annotated[tuple[UUID, ...], Meta(max_length=200)]


class Provider(Reply, frozen=True):
    provider_id: UUID
    name: Name
    zone: ZoneName
    active: bool
    offering_ids: tuple[UUID, ...]
    weekly_hours: tuple[WorkingRange, ...]
    """Of the week that holds when no dated one does."""
    schedules: tuple[Schedule, ...] = ()
    """The dated weeks, by their first date."""
    weight: Weight = 1


class ListProviders(Request, frozen=True):
    pass


class Providers(Reply, frozen=True):
    """By name, then id."""

    providers: tuple[Provider, ...]


# ---- resources


class CreateResource(Request, frozen=True):
    """A room, a device: something that a booking takes besides a provider. Always there, unless time is blocked."""

    name: Name
    kind: ResourceKind


class UpdateResource(Request, frozen=True):
    """Replaces the resource. An inactive one is given to no new booking."""

    resource_id: UUID
    name: Name
    kind: ResourceKind
    active: bool = True


class Resource(Reply, frozen=True):
    resource_id: UUID
    name: Name
    kind: ResourceKind
    active: bool


class ListResources(Request, frozen=True):
    pass


class Resources(Reply, frozen=True):
    """By kind, name, then id."""

    resources: tuple[Resource, ...]
