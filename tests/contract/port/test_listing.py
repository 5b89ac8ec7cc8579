"""Pages of appointments, and a provider's agenda."""

from datetime import timedelta
from typing import Any
from uuid import uuid4

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden, InvalidRequest, ProviderNotFound
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import MONDAY, Caller, Shop, at, refused


def page(shop: Shop, by: Caller | None = None, **fields: Any) -> m.AppointmentPage:
    request = spoilt(m.ListAppointments(), **fields)
    return shop.port.list_appointments((by or shop.staff).reads(), request)


def all_pages(shop: Shop, **fields: Any) -> list[m.AppointmentPage]:
    pages = [page(shop, **fields)]
    while pages[-1].next_cursor is not None:
        pages.append(page(shop, **{**fields, "cursor": pages[-1].next_cursor}))
    return pages


def ids(pages: list[m.AppointmentPage]) -> list[object]:
    return [each.appointment_id for page in pages for each in page.appointments]


@pytest.fixture
def busy(shop: Shop) -> Shop:
    """Two providers with ten appointments in the same hours, two of them cancelled."""
    zoe = shop.add_provider()
    for hour in (12, 9, 11, 10):
        shop.book(at(hour))
        shop.book(at(hour), shop.stranger, provider_id=zoe.provider_id)
    for by in (shop.customer, shop.stranger):
        gone = shop.book(at(14, day=1), by)
        shop.port.cancel(by.writes(), m.Cancel(appointment_id=gone.appointment_id))
    return shop


def test_pages_contain_each_appointment_once_in_order(busy: Shop) -> None:
    whole = page(busy).appointments
    assert len(whole) == 10
    assert list(whole) == sorted(whole, key=lambda each: (each.starts_at, each.appointment_id))
    for limit in (1, 3, 5, 10):
        pages = all_pages(busy, limit=limit)
        assert ids(pages) == [each.appointment_id for each in whole]
        assert all(len(each.appointments) == limit for each in pages[:-1])
    assert [len(each.appointments) for each in all_pages(busy, limit=5)] == [5, 5]


def test_pages_skip_and_repeat_nothing_while_appointments_change(busy: Shop) -> None:
    before = ids([page(busy)])
    first = page(busy, limit=4)
    busy.book(at(9, day=2))
    gone = first.appointments[0]
    busy.port.cancel(busy.staff.writes(), m.Cancel(appointment_id=gone.appointment_id))
    rest = all_pages(busy, limit=4, cursor=first.next_cursor)
    assert (ids([first]) + ids(rest))[:10] == before


def test_a_customer_sees_only_their_own_appointments(busy: Shop) -> None:
    mine = page(busy, busy.customer).appointments
    assert {each.customer_id for each in mine} == {busy.customer.id}
    assert len(mine) == 5
    assert page(busy, busy.customer, customer_id=busy.customer.id).appointments == mine
    with refused(Forbidden):
        page(busy, busy.customer, customer_id=busy.stranger.id)


def test_filters_narrow_the_list(busy: Shop) -> None:
    assert len(page(busy, customer_id=busy.stranger.id).appointments) == 5
    assert len(page(busy, provider_id=busy.provider.provider_id).appointments) == 6
    assert len(page(busy, status="cancelled").appointments) == 2
    assert len(page(busy, statuses=["cancelled", "booked"]).appointments) == 10
    assert len(page(busy, statuses=["cancelled", "held"]).appointments) == 2
    assert len(page(busy, start=at(11)).appointments) == 6
    assert len(page(busy, start=at(10), end=at(11)).appointments) == 2
    assert len(page(busy, start=at(11) + timedelta(seconds=1)).appointments) == 4
    found = page(busy, customer_id=busy.customer.id, status="booked", start=at(10)).appointments
    assert [each.starts_at for each in found] == [at(10), at(11), at(12)]
    assert page(busy, provider_id=uuid4()).appointments == ()


def test_filters_apply_to_every_page(busy: Shop) -> None:
    pages = all_pages(busy, customer_id=busy.customer.id, status="booked", limit=1)
    assert [each.appointments[0].starts_at for each in pages] == [at(9), at(10), at(11), at(12)]


@pytest.mark.row("H35")
@pytest.mark.parametrize("cursor", ["abc", "AAAA", "bm90IGpzb24", "WyJ4IiwieSJd", "-", "_" * 200, "WzEsMl0"])
def test_forged_cursor_is_refused(shop: Shop, cursor: str) -> None:
    with refused(InvalidRequest, field="cursor"):
        page(shop, cursor=cursor)


def test_an_agenda_contains_appointments_that_overlap_the_window(busy: Shop) -> None:
    def agenda(start: object, end: object) -> list[object]:
        request = m.GetAgenda(provider_id=busy.provider.provider_id, start=start, end=end)  # type: ignore[arg-type]
        found = busy.port.get_agenda(busy.staff.reads(), request)
        assert (found.provider_id, found.zone) == (busy.provider.provider_id, "UTC")
        return [each.starts_at for each in found.appointments]

    assert agenda(MONDAY, at(24)) == [at(9), at(10), at(11), at(12)]
    assert agenda(at(10), at(12)) == [at(10), at(11)]
    assert agenda(at(9, 59), at(10, 1)) == [at(9), at(10)]
    assert agenda(at(13), at(14)) == []
    assert agenda(at(14, day=1), at(15, day=1)) == [], "cancelled ones are not in it"


def test_an_agenda_needs_a_provider(shop: Shop) -> None:
    with refused(ProviderNotFound):
        request = m.GetAgenda(provider_id=uuid4(), start=MONDAY, end=at(24))
        shop.port.get_agenda(shop.staff.reads(), request)
