"""Visits: listed combinations can be booked, completely or not at all."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden, InvalidRequest, OfferingNotFound, ProviderNotFound, SlotUnavailable
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import hold, let_expire
from tests.contract.port.shop import Caller, Shop, at, hours, refused


def book_visit(
    shop: Shop, starts_at: datetime, *items: m.Offering, by: Caller | None = None, provider: UUID | None = None
) -> m.Visit:
    by = by or shop.customer
    parts = tuple(m.VisitItem(offering_id=each.offering_id, provider_id=provider) for each in items)
    return shop.port.book_visit(by.writes(), m.BookVisit(customer_id=by.id, starts_at=starts_at, items=parts))


def visits(shop: Shop, *items: m.Offering, **fields: Any) -> list[datetime]:
    asked = {"offering_ids": tuple(each.offering_id for each in items), "start": at(0), "end": at(24), **fields}
    slots = shop.port.search_visits(shop.customer.reads(), m.SearchVisits(**asked)).slots
    return [slot.starts_at for slot in slots]


def times(visit: m.Visit) -> list[tuple[datetime, datetime]]:
    return [(each.starts_at, each.ends_at) for each in visit.appointments]


def require_listed_is_bookable(shop: Shop, items: Sequence[m.Offering], candidates: Sequence[datetime]) -> None:
    """Check that each candidate can be booked if and only if it is listed."""
    for start in candidates:
        listed = start in visits(shop, *items)
        try:
            visit = book_visit(shop, start, *items)
        except SlotUnavailable:
            assert not listed, start
            continue
        assert listed, start
        for each in visit.appointments:
            shop.port.cancel(shop.staff.writes(), m.Cancel(appointment_id=each.appointment_id))


def test_services_are_booked_back_to_back(shop: Shop) -> None:
    beard = shop.add_offering("Beard", duration_minutes=20)
    visit = book_visit(shop, at(9), shop.offering, beard, shop.offering)
    assert times(visit) == [(at(9), at(10)), (at(10), at(10, 20)), (at(10, 20), at(11, 20))]
    assert {each.visit_id for each in visit.appointments} == {visit.visit_id}
    listed = shop.port.list_appointments(shop.customer.reads(), m.ListAppointments(visit_id=visit.visit_id))
    assert listed.appointments == visit.appointments


def test_the_buffers_between_them_are_kept(shop: Shop) -> None:
    wash = shop.add_offering("Wash", duration_minutes=30, buffer_after_minutes=10)
    dry = shop.add_offering("Dry", duration_minutes=15, buffer_before_minutes=5)
    assert times(book_visit(shop, at(9), wash, dry)) == [(at(9), at(9, 30)), (at(9, 45), at(10))]


def test_search_lists_exactly_the_bookable_visits(shop: Shop) -> None:
    shop.work(hours("09:00", "12:00", 1))
    beard = shop.add_offering("Beard", duration_minutes=25, step_minutes=15, buffer_after_minutes=10)
    shop.book(at(10), shop.stranger)
    candidates = [at(8, 30) + timedelta(minutes=15 * n) for n in range(15)]
    require_listed_is_bookable(shop, (beard, shop.offering), candidates)
    require_listed_is_bookable(shop, (shop.offering, beard), candidates)


def test_a_visit_may_need_several_providers_and_a_room(shop: Shop) -> None:
    shop.work(hours("09:00", "11:00", 1))
    zoe = shop.add_provider("Zoe")
    shop.work(hours("10:00", "12:00", 1), provider=zoe)
    shop.add_resource("Sauna", kind="sauna")
    sauna = shop.add_offering("Sauna", duration_minutes=30, needs=(m.ResourceNeed(kind="sauna"),))
    shop.perform(sauna, provider=zoe)
    shop.book(at(10), shop.stranger, offering_id=sauna.offering_id, provider_id=zoe.provider_id)
    candidates = [at(8, 30) + timedelta(minutes=30 * n) for n in range(8)]
    require_listed_is_bookable(shop, (shop.offering, sauna), candidates)
    require_listed_is_bookable(shop, (sauna, shop.offering), candidates)


def test_limited_service_occurs_in_a_visit_once(shop: Shop) -> None:
    shop.change_offering(limits=m.Limits(customer_day=1))
    beard = shop.add_offering("Beard", duration_minutes=60)
    require_listed_is_bookable(shop, (shop.offering, beard), [at(9), at(15)])
    shop.book(at(12))
    require_listed_is_bookable(shop, (shop.offering, beard), [at(9), at(15)])
    with refused(InvalidRequest):
        visits(shop, shop.offering, beard, shop.offering)
    with refused(InvalidRequest):
        book_visit(shop, at(9), shop.offering, beard, shop.offering)


def test_a_named_provider_performs_all_services(shop: Shop) -> None:
    zoe = shop.add_provider("Zoe")
    beard = shop.add_offering("Beard")
    assert visits(shop, shop.offering, beard, provider_id=zoe.provider_id) == []
    with refused(SlotUnavailable, reason="not_offered"):
        book_visit(shop, at(9), shop.offering, beard, provider=zoe.provider_id)
    assert at(9) in visits(shop, shop.offering, beard, provider_id=shop.provider.provider_id)
    visit = book_visit(shop, at(9), shop.offering, beard, provider=shop.provider.provider_id)
    assert {each.provider_id for each in visit.appointments} == {shop.provider.provider_id}


def test_visit_is_booked_completely_or_not_at_all(shop: Shop) -> None:
    beard = shop.add_offering("Beard")
    shop.book(at(10), shop.stranger)
    with refused(SlotUnavailable, reason="taken"):
        book_visit(shop, at(9), shop.offering, beard)
    assert at(9) in shop.starts()
    page = shop.port.list_appointments(shop.customer.reads(), m.ListAppointments())
    assert page.appointments == ()


def test_only_the_first_service_follows_its_grid(shop: Shop) -> None:
    beard = shop.add_offering("Beard", duration_minutes=20)
    with refused(SlotUnavailable, reason="off_grid"):
        book_visit(shop, at(9, 10), shop.offering, beard)
    assert times(book_visit(shop, at(9, 20), beard, shop.offering))[1] == (at(9, 40), at(10, 40))


def test_unknown_ids_are_not_found(shop: Shop) -> None:
    beard = shop.add_offering("Beard")
    nothing = m.VisitItem(offering_id=uuid4())
    item = m.VisitItem(offering_id=beard.offering_id)
    nobody = m.VisitItem(offering_id=beard.offering_id, provider_id=uuid4())
    for items, error in (((item, nothing), OfferingNotFound), ((item, nobody), ProviderNotFound)):
        with refused(error):
            request = m.BookVisit(customer_id=shop.customer.id, starts_at=at(9), items=items)
            shop.port.book_visit(shop.customer.writes(), request)
    with refused(Forbidden):
        request = m.BookVisit(customer_id=shop.stranger.id, starts_at=at(9), items=(item, item))
        shop.port.book_visit(shop.customer.writes(), request)


def test_staff_book_visits_without_approval(shop: Shop) -> None:
    beard = shop.add_offering("Beard", requires_approval=True)
    asked = book_visit(shop, at(9), shop.offering, beard)
    assert [each.status for each in asked.appointments] == ["booked", "pending"]
    told = book_visit(shop, at(12), shop.offering, beard, by=shop.staff)
    assert [each.status for each in told.appointments] == ["booked", "booked"]


def test_expired_hold_does_not_block_a_visit(shop: Shop, adapter: Adapter) -> None:
    beard = shop.add_offering("Beard")
    let_expire(adapter, hold(shop, at(10), shop.stranger))
    assert at(9) in visits(shop, shop.offering, beard)
    assert len(book_visit(shop, at(9), shop.offering, beard).appointments) == 2
