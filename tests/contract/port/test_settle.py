"""Settling overdue holds and offers, by the database's clock."""

from contracts.scheduling import models as m
from contracts.scheduling.errors import Forbidden, InvalidRequest
from tests.contract.port.adapters import Adapter
from tests.contract.port.appointments import changes_of, confirm, get, hold, let_expire
from tests.contract.port.shop import Shop, at, customer_of, refused
from tests.contract.port.test_waitlist import join, offer_of, settle, statuses


def test_settling_without_due_work_changes_nothing(shop: Shop) -> None:
    hold(shop, at(9))
    shop.book(at(10))
    assert settle(shop) == m.Settled(expired=0, offered=0)
    assert settle(shop) == m.Settled(expired=0, offered=0)


def test_overdue_hold_expires(shop: Shop, adapter: Adapter) -> None:
    held = hold(shop, at(9))
    let_expire(adapter, held)
    assert at(9) in shop.starts()
    assert get(shop, held).status == "held"
    assert settle(shop) == m.Settled(expired=1, offered=0)
    expired = get(shop, held)
    assert (expired.status, expired.version, expired.cancelled_at is not None) == ("expired", 2, True)
    assert [each.operation for each in changes_of(shop, held)] == ["hold", "expire"]
    assert shop.book(at(9), shop.stranger).starts_at == at(9)


def test_confirmed_hold_does_not_expire(shop: Shop) -> None:
    confirmed = confirm(shop, hold(shop, at(9)))
    assert settle(shop) == m.Settled(expired=0, offered=0)
    assert get(shop, confirmed) == confirmed


def test_settling_respects_the_limit_and_continues_next_time(shop: Shop, adapter: Adapter) -> None:
    for hour in (9, 10, 11):
        let_expire(adapter, hold(shop, at(hour)))
    assert settle(shop, 2).expired == 2
    assert settle(shop, 2).expired == 1
    assert settle(shop, 2).expired == 0


def test_new_hours_are_offered_to_the_waitlist(shop: Shop) -> None:
    shop.override(at(0).date(), "close")
    entries = [join(shop, customer_of(shop.business_id), end=at(11)) for _ in range(3)]
    assert settle(shop).offered == 0
    shop.override(at(0).date(), "regular")
    assert settle(shop, 1).offered == 1
    assert settle(shop).offered == 1
    assert statuses(shop, *entries) == ["offered", "offered", "waiting"]
    assert [offer_of(shop, each).starts_at for each in entries[:2]] == [at(9), at(10)]


def test_only_the_system_settles(shop: Shop) -> None:
    for caller in (shop.staff, shop.customer, shop.anonymous):
        with refused(Forbidden):
            shop.port.settle(caller.writes(), m.Settle())
    with refused(InvalidRequest):
        settle(shop, 0)
