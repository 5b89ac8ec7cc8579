"""Visits to random small shops: exactly what is listed can be booked, on a real database."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random
from typing import Any
from uuid import UUID

import pytest
from hypothesis import Phase, given
from hypothesis import strategies as st
from hypothesis.strategies import DrawFn
from psycopg.sql import SQL, Identifier

from contracts.scheduling import models as m
from contracts.scheduling.errors import SlotUnavailable
from tests.contract.port.appointments import cancel
from tests.contract.port.shop import Shop
from tests.contract.port.test_visits import book_visit
from tests.hypothesis_profiles import examples
from tests.integration.engine.race_invariants import require_claimed
from tests.integration.engine.random_businesses import Plan, Window, let_happen, open_small, plans
from tests.integration.engine.workbench import Workbench

PHASES = (Phase.explicit, Phase.reuse, Phase.generate)
"""Shrinking would open hundreds of shops, and a plan is plain enough."""
REASONS = {
    *("not_offered", "closed", "outside_hours", "off_grid"),
    *("taken", "full", "no_resource", "provider_limit", "customer_limit"),
}


@dataclass(frozen=True)
class Wish:
    """Services of a shop by index, in order, by one provider or any. `seed` chooses among starts."""

    plan: Plan
    services: Sequence[int]
    named: int | None
    seed: int


@st.composite
def wishes(draw: DrawFn) -> Wish:
    """A service with limits occurs at most once in a visit."""
    plan = draw(plans())
    order = list(draw(st.permutations(range(len(plan.services)))))
    unlimited = [n for n in order if "limits" not in plan.services[n].rules]
    order += draw(st.lists(st.sampled_from(unlimited), max_size=1)) if unlimited else []
    named = draw(st.sampled_from([None, None, *range(len(plan.workers))]))
    return Wish(plan, order, named, draw(st.integers(0, 1000)))


@dataclass(frozen=True)
class Visitor:
    """The shop's customer, with one kind of visit."""

    shop: Shop
    items: Sequence[m.Offering]
    provider: UUID | None
    window: Window
    grid: Sequence[datetime]
    """Where the first service may begin, were nothing taken: each start once, ascending."""
    at_once: int
    """So many can come at the same start, at the most."""

    def listed(self, window: Window | None = None) -> dict[datetime, datetime]:
        """Return the start and end of every listed visit."""
        ids = tuple(each.offering_id for each in self.items)
        start, end = window or self.window
        request = m.SearchVisits(offering_ids=ids, start=start, end=end, provider_id=self.provider)
        slots = self.shop.port.search_visits(self.shop.customer.reads(), request).slots
        return {each.starts_at: each.ends_at for each in slots}

    def book(self, start: datetime) -> m.Visit:
        return book_visit(self.shop, start, *self.items, provider=self.provider)

    def why_not(self, start: datetime) -> str:
        with pytest.raises(SlotUnavailable) as caught:
            self.book(start)
        return caught.value.reason


def visitor(bench: Workbench, wish: Wish) -> Visitor:
    small = open_small(bench, wish.plan)
    services = [wish.plan.services[n] for n in wish.services]
    items = [small.offerings[n] for n in wish.services]
    provider = None if wish.named is None else small.providers[wish.named].provider_id
    grid = sorted(set(small.shop.starts(*wish.plan.window, offering_id=items[0].offering_id, provider_id=provider)))
    let_happen(bench, small, wish.plan)
    seats = [_seats(item, 1 if provider else len(each.performers)) for item, each in zip(items, services, strict=True)]
    return Visitor(small.shop, items, provider, wish.plan.window, grid, min(seats))


def _seats(offering: m.Offering, performers: int) -> int:
    return 1 if offering.assignment == "collective" else performers * offering.capacity


def rows_of(bench: Workbench, business_id: UUID) -> dict[str, list[Any]]:
    """Return all rows of a business."""
    with bench.administrator() as administrator:
        tables = administrator.execute(
            """
            SELECT table_name FROM information_schema.columns
              JOIN information_schema.tables USING (table_schema, table_name)
             WHERE table_schema = 'scheduling' AND table_type = 'BASE TABLE' AND column_name = 'business_id'
            """
        ).fetchall()
        statement = "SELECT t::text FROM scheduling.{} t WHERE business_id = %s ORDER BY 1"
        return {
            table: administrator.execute(SQL(statement).format(Identifier(table)), [business_id]).fetchall()
            for (table,) in tables
        }


@examples(16, phases=PHASES)
@given(wishes())
def test_a_listed_visit_can_be_booked_and_cancelled(bench: Workbench, wish: Wish) -> None:
    who = visitor(bench, wish)
    listed = who.listed()
    for start in Random(wish.seed).sample(sorted(listed), min(6, len(listed))):
        visit = who.book(start)
        assert visit.appointments[0].starts_at == start
        assert visit.appointments[-1].ends_at == listed[start]
        # An appointment with several providers names the first of them.
        if all(item.assignment != "collective" for item in who.items):
            assert who.provider in (None, *(each.provider_id for each in visit.appointments))
        require_claimed(bench, who.shop)
        for each in visit.appointments:
            cancel(who.shop, each, who.shop.staff)
        assert who.listed() == listed


@examples(16, phases=PHASES)
@given(wishes())
def test_splitting_a_window_loses_no_start(bench: Workbench, wish: Wish) -> None:
    """A visit that starts in the window may extend beyond it and meet claims there."""
    who = visitor(bench, wish)
    listed, (start, end) = who.listed(), wish.plan.window
    # A cut at the window's own start would ask about an empty window, which is an invalid request.
    cuts = [each for each in who.grid if each > start]
    for cut in Random(wish.seed).sample(cuts, min(6, len(cuts))):
        assert who.listed((start, cut)) | who.listed((cut, end)) == listed
        assert max(who.listed((start, cut)), default=start) < cut


@examples(16, phases=PHASES)
@given(wishes())
def test_a_booked_visit_is_no_longer_listed(bench: Workbench, wish: Wish) -> None:
    """Once every possible booking at that start is made; it makes no other visit possible."""
    who, chosen = visitor(bench, wish), Random(wish.seed)
    listed = who.listed()
    while listed:
        start, before, booked = chosen.choice(sorted(listed)), listed, 0
        while start in listed:
            who.book(start)
            booked, listed = booked + 1, who.listed()
        assert booked <= who.at_once
        assert listed.items() < before.items()
    require_claimed(bench, who.shop)


@examples(16, phases=PHASES)
@given(wishes())
def test_an_unlisted_visit_is_refused_without_effect(bench: Workbench, wish: Wish) -> None:
    who, chosen = visitor(bench, wish), Random(wish.seed)
    for _ in range(chosen.randrange(8)):
        if soonest := sorted(who.listed())[:2]:
            who.book(chosen.choice(soonest))
    unlisted, before = sorted(set(who.grid) - set(who.listed())), rows_of(bench, who.shop.business_id)
    reasons = {who.why_not(start) for start in chosen.sample(unlisted, min(12, len(unlisted)))}
    assert reasons <= REASONS
    assert rows_of(bench, who.shop.business_id) == before
