"""One business: what it offers, who works there, and what was booked, as lines of COPY's text format."""

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
_PEOPLE = ("Alex", "Bo", "Chris", "Dana", "Eli", "Fran", "Gil", "Hanne", "Ira", "Jo", "Kim", "Lee", "Max", "Noa")
_FAMILIES = ("Archer", "Berg", "Costa", "Dubois", "Eriksen", "Fischer", "Garcia", "Horvat", "Ito", "Jansen", "Kaya")

OPENS, CLOSES = 9 * 60, 17 * 60
_WORKDAYS = 5
_HOURS = (CLOSES - OPENS) // 60
_A_DAY = 6
"""Appointments of a provider on an ordinary day, of the hours that could each take one."""
_USUAL_WEEKS = 26
_MOST_PROVIDERS = 100
_VISITS_OF_A_CUSTOMER = 6


class SeededOffering(NamedTuple):
    """An offering; it starts at every quarter of an hour."""

    offering_id: UUID
    name: str
    minutes: int


class SeededProvider(NamedTuple):
    """A provider, who performs everything."""

    provider_id: UUID
    name: str


class SeededBusiness:
    """What follows from the plan and the business's number. Lines are asked for as they are copied."""

    def __init__(self, plan: SeedPlan, index: int) -> None:
        self.plan = plan
        self.index = index
        self.slug = plan.slug(index)
        self.business_id = plan.id_of("business", self.slug)
        self.count = plan.appointments_of(index)
        chance = Random(plan.digest("chance", self.slug))  # noqa: S311 - data, no secret
        trade, *services = chance.choice(_TRADES)
        self.name = f"{chance.choice(_PLACES)} {trade} {index + 1}"
        self.zone = chance.choice(_ZONES)
        self.services = [self._service(name, minutes) for name, minutes in services]
        self.workers = [self._worker(number, chance) for number in range(_providers_for(self.count))]

    def _service(self, name: str, minutes: int) -> SeededOffering:
        return SeededOffering(self.plan.id_of("offering", self.slug, name), name, minutes)

    def _worker(self, number: int, chance: Random) -> SeededProvider:
        name = f"{chance.choice(_PEOPLE)} {chance.choice(_FAMILIES)}"
        return SeededProvider(self.plan.id_of("provider", self.slug, number), name)

    def times(self) -> Iterator["SeededAppointment"]:
        """All appointments, by provider and start."""
        chance = Random(self.plan.digest("times", self.slug))  # noqa: S311
        share, left = divmod(self.count, len(self.workers))
        number = 0
        for place, worker in enumerate(self.workers):
            for service, day, quarter in _agenda(self.plan.week, share + (place < left), chance):
                yield SeededAppointment(number, worker, self.services[service], day, quarter, chance.getrandbits(32))
                number += 1

    def bookings(self) -> Iterator[tuple[str, str, str]]:
        """A line each for appointment, claim and history."""
        business, zone = str(self.business_id), self.zone
        # Ids that ascend within a business are next to each other in every index.
        tail = f"-{self.plan.digest('appointments', self.slug).hex()[:4]}-8{self.index % 4096:03x}-8000-"
        tail += self.plan.digest("tail", self.slug).hex()[:12]
        customers = max(1, self.count // _VISITS_OF_A_CUSTOMER)
        names = {each.offering_id: json.dumps(each.name) for each in self.services}
        people = {each.provider_id: json.dumps(each.name) for each in self.workers}
        for number, worker, service, day, quarter, dice in self.times():
            quarters = _quarters(zone, day)
            start, end = quarters[quarter], quarters[quarter + service.minutes // 15]
            booked_at = _booked_at(self.plan.week, day, dice)
            one, customer = f"{number:08x}{tail}", f"{dice % customers:08x}{tail}"
            offering, provider = service.offering_id, worker.provider_id
            said = (
                f'{{"appointment_id":"{one}","offering_id":"{offering}","offering_name":{names[offering]},'
                f'"provider_id":"{provider}","provider_name":{people[provider]},"customer_id":"{customer}",'
                f'"starts_at":"{start}","ends_at":"{end}","zone":"{zone}","status":"booked","version":1,"note":"",'
                f'"booked_at":"{booked_at}"}}'
            )
            row = f"{business}\t{one}\t{offering}\t{provider}\t{customer}\t{start}\t{end}\t{zone}\tbooked"
            yield (
                f"{row}\t1\t\t{booked_at}\n",
                f"{business}\t{provider}\t{one}\t{offering}\t{start}\t{end}\n",
                f"{business}\t{one}\t1\t{booked_at}\tcustomer:{customer}\tbook\t{said}\n",
            )


class SeededAppointment(NamedTuple):
    """One appointment. `quarter` counts from the opening; `dice` decides what else has to be decided."""

    number: int
    worker: SeededProvider
    service: SeededOffering
    day: date
    quarter: int
    dice: int


def _providers_for(count: int) -> int:
    of_one = _A_DAY * _WORKDAYS * _USUAL_WEEKS
    return min(_MOST_PROVIDERS, max(2, -(-count // of_one)))


def _agenda(week: date, count: int, chance: Random) -> Iterator[tuple[int, date, int]]:
    """Service, day and quarter of `count` appointments, half before and half after the week's Monday. Each hour takes
    one at the most, so that none overlap."""
    days = -(-count // _A_DAY)
    first = -(days // 2)
    for nth in range(days):
        weeks, weekday = divmod(first + nth, _WORKDAYS)
        day = week + timedelta(days=7 * weeks + weekday)
        for hour in sorted(chance.sample(range(_HOURS), min(_A_DAY, count))):
            dice = chance.getrandbits(16)
            service = dice % 3
            # 30 minutes begin at :00, :15 or :30 of their hour, 45 at :00 or :15, 60 at :00.
            yield service, day, hour * 4 + (dice >> 4) % (3 - service)
        count -= _A_DAY


@lru_cache(maxsize=20_000)
def _quarters(zone: str, day: date) -> tuple[str, ...]:
    """Every quarter of an hour from opening to closing, in UTC. No zone's clock changes in office hours."""
    opens = datetime.combine(day, time(OPENS // 60), ZoneInfo(zone)).astimezone(UTC)
    moments = (opens + timedelta(minutes=15 * n) for n in range((CLOSES - OPENS) // 15 + 1))
    return tuple(moment.strftime("%Y-%m-%dT%H:%M:%SZ") for moment in moments)


def _booked_at(week: date, day: date, dice: int) -> str:
    """Some days ahead, and not in the future."""
    return _evening(min(day, week) - timedelta(days=1 + (dice >> 8) % 30))


@lru_cache(maxsize=20_000)
def _evening(day: date) -> str:
    return f"{day.isoformat()}T19:00:00Z"
