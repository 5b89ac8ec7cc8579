"""Availability queries, the same for search and for booking."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

from contracts.chassis.deadline import Deadline
from contracts.scheduling import models as m
from contracts.scheduling.errors import DeadlineExceeded, InvalidRequest
from contracts.scheduling.values import MOST_PROVIDERS
from scheduling_service.engine.hours import instant_of, local_date
from scheduling_service.engine.rules import BusinessRules, ProviderRules, Range, ResourceRules
from scheduling_service.engine.working_time import Grid

MAX_LOOK_AHEAD = timedelta(days=1500)
"""The limit of a rolling window of working days, however rarely its provider works."""


@dataclass(frozen=True, eq=False)
class AvailabilityQuery:
    """One offering with a duration and a number of seats, by one of some providers, or by all if `collective`."""

    rules: BusinessRules
    offering: m.Offering
    length: int
    """Seconds."""
    seats: int
    providers: tuple[ProviderRules, ...]
    """The eligible providers, sorted by id; empty when none of the requested providers performs the offering."""
    customer_id: UUID | None
    on_grid: bool = True
    """False for the later services of a visit, which start when the service before them ends."""
    deadline: Deadline | None = None
    """When the computation is abandoned, so that no search outlives its caller."""

    @cached_property
    def grid(self) -> Grid:
        offering = self.offering
        return Grid(offering.step_minutes * 60, offering.offset_minutes * 60, self.length)

    @cached_property
    def buffer_before(self) -> int:
        """Seconds."""
        return self.offering.buffer_before_minutes * 60

    @cached_property
    def buffer_after(self) -> int:
        """Seconds."""
        return self.offering.buffer_after_minutes * 60

    @property
    def collective(self) -> bool:
        return self.offering.assignment == "collective"

    @property
    def limited(self) -> bool:
        """Whether any daily or weekly limit applies."""
        limits = self.offering.limits
        return self.limits_providers or (
            self.customer_id is not None and (limits.customer_day is not None or limits.customer_week is not None)
        )

    @property
    def limits_providers(self) -> bool:
        limits = self.offering.limits
        return limits.provider_day is not None or limits.provider_week is not None

    @property
    def needs_provider_time_only(self) -> bool:
        """Whether the free time of one provider is all that decides: no seats, resources or limits."""
        offering = self.offering
        return offering.capacity == 1 and not (offering.needs or self.limited or self.collective)

    @property
    def decided_by_ranges(self) -> bool:
        """Whether the free ranges of the providers and of the resources decide: no seats, limits or collectives."""
        return self.offering.capacity == 1 and not (self.limited or self.collective)

    @cached_property
    def resources(self) -> tuple[ResourceRules, ...]:
        """The resources that may be needed, sorted by kind, then id."""
        return tuple(each for need in self.offering.needs for each in self.rules.resources_of(need.kind))

    @property
    def provider_and_resource_ids(self) -> list[UUID]:
        """The ids of all eligible providers and of all resources that may be needed."""
        return [*(each.provider_id for each in self.providers), *(each.resource_id for each in self.resources)]

    def claimed_range(self, start: int) -> Range:
        """Return what an appointment at `start` occupies, including its buffers."""
        return start - self.buffer_before, start + self.length + self.buffer_after

    def check_deadline(self) -> None:
        """Raise DeadlineExceeded once the deadline has passed. Called inside every long computation."""
        if self.deadline is not None and self.deadline.expired():
            raise DeadlineExceeded("The search took too long; search fewer days or providers.")

    def today(self, now: int) -> date:
        return local_date(now, self.rules.zone_info)

    def earliest_start(self, now: int) -> int:
        """Return the first start in the future that respects the offering's minimum notice."""
        return max(now + 1, now + self.offering.min_notice_minutes * 60)

    def bookable_range(self, provider: ProviderRules, now: int) -> Range:
        """Return the starts, including past ones, that the offering's booking window allows with this provider."""
        window, zone = self.offering.window, self.rules.zone_info
        if window.kind == "fixed" and window.first and window.last:
            return instant_of(window.first, 0, zone), instant_of(window.last, 1440, zone)
        if window.kind == "rolling_days":
            return 0, instant_of(self.today(now) + timedelta(days=window.days or 0), 1440, zone)
        if window.kind == "rolling_working_days":
            last = provider.nth_working_day(self.today(now), window.days or 0, MAX_LOOK_AHEAD)
            return 0, instant_of(last, 1440, zone)
        return 0, 1 << 40


def build_query(
    rules: BusinessRules,
    offering_id: UUID,
    *,
    provider_id: UUID | None = None,
    provider_ids: tuple[UUID, ...] = (),
    duration_minutes: int | None = None,
    seats: int = 1,
    customer_id: UUID | None = None,
    on_grid: bool = True,
    deadline: Deadline | None = None,
) -> AvailabilityQuery:
    """Build a query; durations and seats must be the offering's.

    Raises OfferingNotFound, ProviderNotFound and InvalidRequest.
    """
    offering = rules.offering(offering_id)
    if duration_minutes not in (None, offering.duration_minutes, *offering.duration_choices_minutes):
        raise InvalidRequest("The service does not have this duration; see its durations.", field="duration_minutes")
    if seats > offering.capacity:
        raise InvalidRequest(f"The service has {offering.capacity} seats.", field="seats")
    return AvailabilityQuery(
        rules=rules,
        offering=offering,
        length=(duration_minutes or offering.duration_minutes) * 60,
        seats=seats,
        providers=_eligible_providers(rules, offering, provider_id, provider_ids),
        customer_id=customer_id,
        on_grid=on_grid,
        deadline=deadline,
    )


def _eligible_providers(
    rules: BusinessRules, offering: m.Offering, provider_id: UUID | None, provider_ids: tuple[UUID, ...]
) -> tuple[ProviderRules, ...]:
    """Return the requested providers that perform the offering; for a collective, all of its providers or none."""
    performers = rules.performers(offering.offering_id)
    wanted = set(provider_ids) or ({provider_id} if provider_id is not None else set())
    for each in wanted:
        rules.provider(each)
    if wanted and offering.assignment == "collective":
        performers = performers if wanted <= {p.provider_id for p in performers} else []
    elif wanted:
        performers = [p for p in performers if p.provider_id in wanted]
    if len(performers) > MOST_PROVIDERS:
        raise InvalidRequest(
            f"More than {MOST_PROVIDERS} providers perform this service; name at most {MOST_PROVIDERS}.",
            field="provider_ids",
        )
    return tuple(performers)
