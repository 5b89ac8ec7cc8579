"""One business: services, providers and appointments, as lines in COPY's text format."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from random import Random
from typing import NamedTuple
from uuid import UUID
from zoneinfo import ZoneInfo

from deploy.seed.plan import SeedPlan

_TRADES = (
    ("Barbers", ("Haircut", 30), ("Beard trim", 45), ("Cut and colour", 60)),
    ("Physiotherapy", ("Follow-up", 30), ("Massage", 45), ("First visit", 60)),
    ("Dental", ("Check-up", 30), ("Cleaning", 45), ("Filling", 60)),
    ("Music School", ("Trial lesson", 30), ("Piano lesson", 45), ("Singing lesson", 60)),
)
_PLACES = ("Harbour", "Station", "Park", "Hill", "Old Town", "Riverside", "Market", "Garden", "North", "Bridge")
_ZONES = ("Europe/Paris", "Europe/London", "America/New_York", "America/Chicago", "Asia/Kolkata", "Australia/Sydney")
_FIRST_NAMES = ("Alex", "Bo", "Chris", "Dana", "Eli", "Fran", "Gil", "Hanne", "Ira", "Jo", "Kim", "Lee", "Max", "Noa")
_FAMILY_NAMES = ("Archer", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Horvat", "Ito", "Jansen", "Kaya")

OPENS, CLOSES = 9 * 60, 17 * 60
_WORKDAYS = 5
_HOURS = (CLOSES - OPENS) // 60
_APPOINTMENTS_PER_DAY = 6
"""Per provider on a working day, at most one in each hour."""
_USUAL_WEEKS = 26
_MAX_PROVIDERS = 100
_VISITS_PER_CUSTOMER = 6


class SeededOffering(NamedTuple):
    """An offering, which can start at every quarter of an hour."""

    offering_id: UUID
    name: str
    minutes: int


class SeededProvider(NamedTuple):
    """A provider of every offering."""

    provider_id: UUID
    name: str


class SeededBusiness:
    """Derived from the plan and the business's number. Lines are generated while they are copied."""

    def __init__(self, plan: SeedPlan, index: int) -> None:
        self.plan = plan
        self.index = index
        self.slug = plan.slug(index)
        self.business_id = plan.id_of("business", self.slug)
        self.owner_id = plan.id_of("owner", self.slug)
        self.count = plan.appointments_of(index)
        chance = Random(plan.digest("chance", self.slug))  # noqa: S311 - data, no secret
        trade, *services = chance.choice(_TRADES)
        self.name = f"{chance.choice(_PLACES)} {trade} {index + 1}"
        self.zone = chance.choice(_ZONES)
        self.services = [self._service(name, minutes) for name, minutes in services]
        self.providers = [self._provider(number, chance) for number in range(_providers_for(self.count))]

    def _service(self, name: str, minutes: int) -> SeededOffering:
        return SeededOffering(self.plan.id_of("offering", self.slug, name), name, minutes)

    def _provider(self, number: int, chance: Random) -> SeededProvider:
        name = f"{chance.choice(_FIRST_NAMES)} {chance.choice(_FAMILY_NAMES)}"
        return SeededProvider(self.plan.id_of("provider", self.slug, number), name)

    def times(self) -> Iterator["SeededAppointment"]:
        """Yield all appointments, sorted by provider and start time."""
        chance = Random(self.plan.digest("times", self.slug))  # noqa: S311
        share, left = divmod(self.count, len(self.providers))
        number = 0
        for index, provider in enumerate(self.providers):
            for service, day, quarter in _agenda(self.plan.week, share + (index < left), chance):
                yield SeededAppointment(number, provider, self.services[service], day, quarter, chance.getrandbits(32))
                number += 1

    def bookings(self) -> Iterator[tuple[str, str, str]]:
        """Yield the rows of appointment, claim and history for each appointment."""
        business, zone = str(self.business_id), self.zone
        # Ascending ids within a business are adjacent in every index.
        tail = f"-{self.plan.digest('appointments', self.slug).hex()[:4]}-8{self.index % 4096:03x}-8000-"
        tail += self.plan.digest("tail", self.slug).hex()[:12]
        customers = max(1, self.count // _VISITS_PER_CUSTOMER)
        names = {each.offering_id: json.dumps(each.name) for each in self.services}
        provider_names = {each.provider_id: json.dumps(each.name) for each in self.providers}
        for number, provider, service, day, quarter, dice in self.times():
            quarters = _quarters(zone, day)
            start, end = quarters[quarter], quarters[quarter + service.minutes // 15]
            booked_at = _booked_at(self.plan.week, day, dice)
            one, customer = f"{number:08x}{tail}", f"{dice % customers:08x}{tail}"
            offering, provider_id = service.offering_id, provider.provider_id
            after = (
                f'{{"appointment_id":"{one}","offering_id":"{offering}","offering_name":{names[offering]},'
                f'"provider_id":"{provider_id}","provider_name":{provider_names[provider_id]},"customer_id":"{customer}",'
                f'"starts_at":"{start}","ends_at":"{end}","zone":"{zone}","status":"booked","version":1,"note":"",'
                f'"booked_at":"{booked_at}"}}'
            )
            row = f"{business}\t{one}\t{offering}\t{provider_id}\t{customer}\t{start}\t{end}\t{zone}\tbooked"
            yield (
                f"{row}\t1\t\t{booked_at}\n",
                f"{business}\t{provider_id}\t{one}\t{offering}\t{start}\t{end}\n",
                f"{business}\t{one}\t1\t{booked_at}\tcustomer:{customer}\tbook\t{after}\n",
            )


class SeededAppointment(NamedTuple):
    """One appointment. `quarter` counts quarter hours since opening; `dice` is random input for the other fields."""

    number: int
    provider: SeededProvider
    service: SeededOffering
    day: date
    quarter: int
    dice: int


def _providers_for(count: int) -> int:
    per_provider = _APPOINTMENTS_PER_DAY * _WORKDAYS * _USUAL_WEEKS
    return min(_MAX_PROVIDERS, max(2, -(-count // per_provider)))


def _agenda(week: date, count: int, chance: Random) -> Iterator[tuple[int, date, int]]:
    """Yield service, day and quarter of `count` appointments, half before and half after the week's Monday.

    At most one per hour, so that none overlap.
    """
    days = -(-count // _APPOINTMENTS_PER_DAY)
    first = -(days // 2)
    for nth in range(days):
        weeks, weekday = divmod(first + nth, _WORKDAYS)
        day = week + timedelta(days=7 * weeks + weekday)
        for hour in sorted(chance.sample(range(_HOURS), min(_APPOINTMENTS_PER_DAY, count))):
            dice = chance.getrandbits(16)
            service = dice % 3
            # Starts: 30 minutes at :00, :15 or :30 of an hour, 45 minutes at :00 or :15, 60 minutes at :00.
            yield service, day, hour * 4 + (dice >> 4) % (3 - service)
        count -= _APPOINTMENTS_PER_DAY


@lru_cache(maxsize=20_000)
def _quarters(zone: str, day: date) -> tuple[str, ...]:
    """Return every quarter of an hour from opening to closing, in UTC. No zone changes its clock in office hours."""
    opens = datetime.combine(day, time(OPENS // 60), ZoneInfo(zone)).astimezone(UTC)
    moments = (opens + timedelta(minutes=15 * n) for n in range((CLOSES - OPENS) // 15 + 1))
    return tuple(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments)


def _booked_at(week: date, day: date, dice: int) -> str:
    """Return a time some days before the appointment, never in the future."""
    return _evening(min(day, week) - timedelta(days=1 + (dice >> 8) % 30))


@lru_cache(maxsize=20_000)
def _evening(day: date) -> str:
    return f"{day.isoformat()}T19:00:00Z"
