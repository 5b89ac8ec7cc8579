"""Visits agree with the model: each service can be booked where the previous one ends."""

from collections.abc import Callable
from random import Random

import pytest
from hypothesis import Phase, find, given, settings

from scheduling_service.engine.visit_search import start_offsets, visit_slots
from tests.hypothesis_profiles import examples
from tests.unit.engine.model_rules import occupancy_of
from tests.unit.engine.random_visits import Visit, queries_of, visits
from tests.unit.engine.test_availability_model import PHASES, minutes


def listed(visit: Visit) -> list[tuple[int, int]]:
    """Return start and end of the listed visits."""
    queries = queries_of(visit)
    read = [occupancy_of(model, query) for model, query in zip(visit.asked(), queries, strict=True)]
    slots = visit_slots(queries, read, visit.window)
    return [(int(each.starts_at.timestamp()), int(each.ends_at.timestamp())) for each in slots]


def possible(visit: Visit) -> list[int]:
    """Return the minutes at which every service has a free provider at its offset."""
    turns = list(zip(visit.asked(), visit.begins(), strict=True))
    return [start for start in minutes(visit.window) if all(model.offered(start + later) for model, later in turns)]


@examples(80, phases=PHASES)
@given(visits())
def test_listed_visits_match_the_model(visit: Visit) -> None:
    assert listed(visit) == [(start, start + visit.lasts()) for start in possible(visit)]
    # Booking uses the same starts.
    assert start_offsets(queries_of(visit)) == visit.begins()


def some_are_listed(visit: Visit) -> bool:
    """Return whether some, but not all candidate starts are listed."""
    begin_well = [start for start in minutes(visit.window) if visit.asked()[0].offered(start)]
    return 0 < len(listed(visit)) < len(begin_well)


def one_joins_a_group(visit: Visit) -> bool:
    groups = [
        (group.start - later, group.end - later - model.terms.length)
        for model, later in zip(visit.asked()[1:], visit.begins()[1:], strict=True)
        for person in model.people
        for group in person.sessions
        if group.seats_left
    ]
    return any((start, start) in groups for start, _ in listed(visit))


@pytest.mark.parametrize("what", [some_are_listed, one_joins_a_group])
def test_the_random_visits_are_diverse(what: Callable[[Visit], bool]) -> None:
    """Without this, the property would hold trivially."""
    find(visits(), what, settings=settings(phases=[Phase.generate], max_examples=500), random=Random(1))
