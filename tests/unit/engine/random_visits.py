"""Random visits: several services of one business in a row."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import pairwise
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from scheduling_service.engine.availability import AvailabilityQuery
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.visit_search import build_visit_queries
from tests.unit.engine.availability_model import MINUTE, Model, Person, Range, Session, Terms, date_of, reached
from tests.unit.engine.model_rules import CUSTOMER, offering, provider_id, rules
from tests.unit.engine.random_cases import HOUR, counts, days, spans, terms, things, weeks, zones


@dataclass(frozen=True)
class Visit:
    """Each service as a model, with its own providers, groups and counts."""

    services: Sequence[Model]
    performers: Sequence[Sequence[int]]
    """For each service: the indexes of its providers in `all_people`, ascending."""
    all_people: Sequence[Person]
    named: int | None
    """The one who is to do all of it."""
    window: Range

    def asked(self) -> list[Model]:
        """Restrict the services to their eligible providers; a collective keeps all or none."""
        if self.named is None:
            return list(self.services)
        return [
            model
            if model.terms.collective and self.named in indexes
            else replace(model, people=[each for n, each in zip(indexes, model.people, strict=True) if n == self.named])
            for model, indexes in zip(self.services, self.performers, strict=True)
        ]

    def begins(self) -> list[int]:
        """Return each service's start relative to the visit's, without gaps or shared buffers."""
        found = [0]
        for earlier, later in pairwise(model.terms for model in self.services):
            found.append(found[-1] + earlier.length + earlier.after + later.before)
        return found

    def lasts(self) -> int:
        return self.begins()[-1] + self.services[-1].terms.length


# ---- queries


def offering_id(index: int) -> UUID:
    return UUID(int=100 + index)


def visit_rules(visit: Visit) -> BusinessRules:
    """Return one catalog with all services of the visit, each with its own providers."""
    business = rules(replace(visit.services[0], people=visit.all_people))
    offerings = [
        msgspec.structs.replace(offering(model.terms), offering_id=offering_id(index))
        for index, model in enumerate(visit.services)
    ]
    providers = [
        replace(
            business.provider(provider_id(n)),
            offering_ids=frozenset(offering_id(index) for index, each in enumerate(visit.performers) if n in each),
        )
        for n in range(len(visit.all_people))
    ]
    return replace(
        business,
        offerings={each.offering_id: each for each in offerings},
        providers={each.provider_id: each for each in providers},
    )


def queries_of(visit: Visit) -> list[AvailabilityQuery]:
    ids = [offering_id(index) for index in range(len(visit.services))]
    named = None if visit.named is None else provider_id(visit.named)
    return build_visit_queries(visit_rules(visit), ids, [named] * len(ids), CUSTOMER)


# ---- strategies


FIVE_MINUTES = 5 * MINUTE
MOSTLY = st.sampled_from([True, True, True, True, False])


@st.composite
def visits(draw: DrawFn) -> Visit:
    """Two or three services with any rules, in a few hours around a clock change."""
    zone = draw(zones())
    begin = reached(draw(days(zone)), 0, zone) + draw(st.integers(-180, 180)) * MINUTE
    all_people = draw(st.lists(colleagues(zone, begin), min_size=1, max_size=3))
    every, stock = range(len(all_people)), draw(things(begin))
    services, performers = [], []
    for index in range(draw(st.sampled_from([3, 2]))):
        performing = draw(st.one_of(st.just(every), st.sets(st.sampled_from(every), min_size=1).map(sorted)))
        own = replace(draw(service_terms(date_of(begin, zone))), on_grid=index == 0)
        plain = Model(zone, own, [all_people[n] for n in performing], begin - 7 * 24 * HOUR, things=stock)
        services.append(draw(special(plain, begin)))
        performers.append(performing)
    window = begin, begin + (6 * HOUR if draw(MOSTLY) else draw(st.integers(1, 6 * HOUR)))
    visit = Visit(services, performers, all_people, draw(st.sampled_from([None, None, *every])), window)
    return draw(beside_groups(visit))


@st.composite
def colleagues(draw: DrawFn, zone: ZoneInfo, begin: int) -> Person:
    """Providers who mostly work around the clock; hours are tested with single services."""
    week = [[(0, 1440)]] * 7 if draw(MOSTLY) else draw(weeks())
    where = draw(st.one_of(st.just(zone), zones()))
    return Person(where, week, blocked=draw(spans(begin, 1)), busy=draw(spans(begin)))


@st.composite
def service_terms(draw: DrawFn, today: date) -> Terms:
    """Mostly short services with few restrictions, so that visits are often possible."""
    own = draw(terms(today=today))
    if not draw(MOSTLY):
        return own
    length, step = draw(st.sampled_from([5, 10, 25, 60])), min(own.step, 90 * MINUTE)
    return replace(own, length=length * MINUTE, step=step, offset=0, window="unlimited", notice=0)


@st.composite
def special(draw: DrawFn, model: Model, begin: int) -> Model:
    """Terms with needs, limits, seats or a collective, or none of these."""
    what = draw(st.sampled_from(["nothing", "needs", "limits", "seats", "together"]))
    if what == "needs":
        kind = draw(st.sampled_from([*model.things, "room"]))
        return replace(model, terms=replace(model.terms, needs={kind: draw(st.sampled_from([1, 1, 2]))}))
    if what == "limits":
        today, most = date_of(begin, model.zone), draw(st.integers(1, 3))
        limited = [replace(model.terms, customer_day=most), replace(model.terms, provider_week=most)]
        own = draw(st.sampled_from(limited))
        people = [replace(person, counts=draw(counts(begin, model.zone))) for person in model.people]
        return replace(model, terms=own, people=people, counts={today: draw(st.integers(1, 3))})
    seats = draw(st.integers(2, 4)) if what == "seats" else 1
    return replace(model, terms=replace(model.terms, capacity=seats, collective=what == "together"))


@st.composite
def beside_groups(draw: DrawFn, visit: Visit) -> Visit:
    """For a service with seats, add a session at one of the visit's starts: one to join, or a full one that occupies
    its provider."""
    if all(model.terms.capacity == 1 for model in visit.services):
        return visit
    grid = range(-(-visit.window[0] // FIVE_MINUTES) * FIVE_MINUTES, visit.window[1], FIVE_MINUTES)
    starts = [start for start in grid if visit.services[0].offered(start)]
    if not starts:
        return visit
    start, all_people, services = draw(st.sampled_from(starts)), list(visit.all_people), list(visit.services)
    for index, (model, later) in enumerate(zip(visit.services, visit.begins(), strict=True)):
        if model.terms.capacity == 1:
            continue
        at, own = start + later, model.terms
        whose = draw(st.sampled_from(range(len(model.people))))
        group = Session(at, at + own.length, draw(st.integers(0, own.capacity)))
        people = [replace(each, sessions=[group]) if n == whose else each for n, each in enumerate(model.people)]
        services[index] = replace(model, people=people)
        n = visit.performers[index][whose]
        claim = (at - own.before, at + own.length + own.after)
        all_people[n] = replace(all_people[n], busy=[*all_people[n].busy, claim])
    together = zip(services, visit.performers, strict=True)
    services = [_with_claims_of_all(model, indexes, all_people) for model, indexes in together]
    return replace(visit, services=services, all_people=all_people)


def _with_claims_of_all(model: Model, indexes: Sequence[int], all_people: Sequence[Person]) -> Model:
    pairs = zip(model.people, indexes, strict=True)
    return replace(model, people=[replace(person, busy=all_people[n].busy) for person, n in pairs])
