"""What is asked of availability: the same for listing and for booking."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.errors import InvalidRequest
from contracts.scheduling.values import MOST_PROVIDERS
from scheduling_service.engine.hours import instant_of, local_date
from scheduling_service.engine.rules import BusinessRules, ProviderRules, Range, ResourceRules
from scheduling_service.engine.working_time import Grid

LONGEST_LOOK_AHEAD = timedelta(days=1500)
"""A rolling window of working days ends here, however seldom its provider works."""


@dataclass(frozen=True, eq=False)
class AvailabilityQuery:
    """One offering, for so long and so many people, by one of these providers (or, `collective`, by all of them)."""

    rules: BusinessRules
    offering: m.Offering
    length: int
    """Seconds."""
    seats: int
    providers: tuple[ProviderRules, ...]
    """The candidates, by id; empty when nobody who was asked for performs the offering."""
    customer_id: UUID | None
    on_grid: bool = True
    """False for the later parts of a visit, which begin when the part before them ends."""

    @cached_property
    def grid(self) -> Grid:
        offering = self.offering
        return Grid(offering.step_minutes * 60, offering.offset_minutes * 60, self.length)

    @cached_property
    def before(self) -> int:
        return self.offering.buffer_before_minutes * 60

    @cached_property
    def after(self) -> int:
        return self.offering.buffer_after_minutes * 60

    @property
    def collective(self) -> bool:
        return self.offering.assignment == "collective"

    @property
    def limited(self) -> bool:
        limits = self.offering.limits
        return self.limits_providers or (
            self.customer_id is not None and (limits.customer_day is not None or limits.customer_week is not None)
        )

    @property
    def limits_providers(self) -> bool:
        limits = self.offering.limits
        return limits.provider_day is not None or limits.provider_week is not None

    @property
    def provider_time_only(self) -> bool:
        """Decided by the providers' own time alone."""
        offering = self.offering
        return offering.capacity == 1 and not (offering.needs or self.limited or self.collective)

    @cached_property
    def resources(self) -> tuple[ResourceRules, ...]:
        """Those that may be needed, by kind, then id."""
        return tuple(each for need in self.offering.needs for each in self.rules.resources_of(need.kind))

    def claim(self, start: int) -> Range:
        """What an appointment at `start` takes, its buffers included."""
        return start - self.before, start + self.length + self.after

    def today(self, now: int) -> date:
        return local_date(now, self.rules.zone_info)

    def earliest_start(self, now: int) -> int:
        """The first start that is ahead, and as far as the offering's notice asks."""
        return max(now + 1, now + self.offering.min_notice_minutes * 60)

    def bookable_range(self, provider: ProviderRules, now: int) -> Range:
        """The starts that the offering's window lets one book with this provider, past ones included."""
        window, zone = self.offering.window, self.rules.zone_info
        if window.kind == "fixed" and window.first and window.last:
            return instant_of(window.first, 0, zone), instant_of(window.last, 1440, zone)
        if window.kind == "rolling_days":
            return 0, instant_of(self.today(now) + timedelta(days=window.days or 0), 1440, zone)
        if window.kind == "rolling_working_days":
            return 0, instant_of(
                provider.nth_working_day(self.today(now), window.days or 0, LONGEST_LOOK_AHEAD), 1440, zone
            )
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
) -> AvailabilityQuery:
    """Raises OfferingNotFound, ProviderNotFound, and InvalidRequest for what the offering does not have."""
    offering = rules.offering(offering_id)
    if duration_minutes not in (None, offering.duration_minutes, *offering.duration_choices_minutes):
        raise InvalidRequest("The service does not last that long; see its durations.", field="duration_minutes")
    if seats > offering.capacity:
        raise InvalidRequest(f"The service has {offering.capacity} seats.", field="seats")
    return AvailabilityQuery(
        rules=rules,
        offering=offering,
        length=(duration_minutes or offering.duration_minutes) * 60,
        seats=seats,
        providers=_candidate_starts(rules, offering, provider_id, provider_ids),
        customer_id=customer_id,
        on_grid=on_grid,
    )


def _candidate_starts(
    rules: BusinessRules, offering: m.Offering, provider_id: UUID | None, provider_ids: tuple[UUID, ...]
) -> tuple[ProviderRules, ...]:
    performers = rules.performers(offering.offering_id)
    wanted = set(provider_ids) or ({provider_id} if provider_id is not None else set())
    for each in wanted:
        rules.provider(each)
    if wanted and offering.assignment == "collective":
        # All of them, or nobody: a set only has to be among them.
        performers = performers if wanted <= {p.provider_id for p in performers} else []
    elif wanted:
        performers = [p for p in performers if p.provider_id in wanted]
    if len(performers) > MOST_PROVIDERS:
        raise InvalidRequest(
            f"More than {MOST_PROVIDERS} people perform this service; name at most {MOST_PROVIDERS}.",
            field="provider_ids",
        )
    return tuple(performers)
