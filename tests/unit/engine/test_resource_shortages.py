"""Shortages of resources agree with the free resources of each single start, and searches end by their deadline."""

from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given, settings

from contracts.chassis.deadline import Deadline
from contracts.scheduling.errors import DeadlineExceeded
from scheduling_service.engine.availability import days_with_availability, free_slots, free_starts
from scheduling_service.engine.availability.conditions import StartConditions
from scheduling_service.engine.availability.shortages import resource_shortages
from tests.unit.engine.availability_model import MINUTE
from tests.unit.engine.model_rules import occupancy_of, query_of
from tests.unit.engine.random_cases import HOUR, cases
from tests.unit.engine.test_availability_model import PHASES, Case, minutes, with_resources


@settings(max_examples=150, deadline=None, phases=PHASES)
@given(with_resources())
def test_a_start_is_short_exactly_when_its_needs_cannot_be_met(case: Case) -> None:
    model, window = case
    query = query_of(model)
    occupancy = occupancy_of(model, query)
    shortages = resource_shortages(query, occupancy)
    conditions = StartConditions(query, occupancy)
    for start in minutes(window, MINUTE):
        short = any(first <= start < end for first, end in shortages)
        assert short == (conditions.free_resources(start) is None), start


@settings(max_examples=50, deadline=None, phases=PHASES)
@given(with_resources())
def test_shortages_are_sorted_and_disjoint(case: Case) -> None:
    model, _ = case
    query = query_of(model)
    shortages = resource_shortages(query, occupancy_of(model, query))
    assert all(first < end for first, end in shortages)
    assert all(before[1] < after[0] for before, after in pairwise(shortages))


@settings(max_examples=20, deadline=None, phases=PHASES)
@given(cases(most_people=2, hours=12))
def test_a_search_past_its_deadline_is_abandoned(case: Case) -> None:
    model, window = case
    query = query_of(model)
    occupancy = occupancy_of(model, query)
    if not free_starts(query, window, occupancy):
        return
    late = replace(query, deadline=Deadline.after(0))
    days = [*range(window[0], window[1], 5 * HOUR), window[1]]
    for search in (free_slots, free_starts):
        with pytest.raises(DeadlineExceeded):
            search(late, window, occupancy)
    with pytest.raises(DeadlineExceeded):
        days_with_availability(late, days, occupancy)
