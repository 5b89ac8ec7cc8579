"""The service has committed; its reply is lost. Faults 6, 7, 9 and 10: never "failed", and never twice."""

import time
from collections.abc import Callable

import pytest
from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from contracts.scheduling.errors import DeadlineExceeded, OutcomeUnknown
from monolith.modules.scheduling.adapters.http import HttpScheduling
from tests.contract.port.shop import Shop, at, open_shop, refused
from tests.faults.proxy import Cut, Delay, Drip, Fault, Swallow, TcpProxy, WithoutLength

MORE_THAN_ALL_TRIES = 8
GRACE = 0.6
"""Seconds by which a busy machine may be late."""

LOST: dict[str, Callable[[], Fault]] = {
    "reset": lambda: Cut(0, reset=True),
    "closed": lambda: Cut(0),
    "cut in the head": lambda: Cut(40),
    "cut and reset in the head": lambda: Cut(40, reset=True),
    "without a length, cut in the body": WithoutLength,
}


@pytest.fixture
def shop(direct: HttpScheduling) -> Shop:
    return open_shop(direct, uuid7())


@pytest.fixture(params=LOST)
def lost(request: pytest.FixtureRequest) -> Callable[[], Fault]:
    return LOST[request.param]


def test_one_lost_reply_is_settled_by_the_adapter_itself(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling, lost: Callable[[], Fault]
) -> None:
    proxy.inject(lost())
    appointment = shop.through(proxied).book()
    assert [appointment] == all_booked(shop)


def test_an_outcome_that_stays_unknown_is_settled_by_the_same_key(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling, lost: Callable[[], Fault]
) -> None:
    proxy.inject(*(lost() for _ in range(MORE_THAN_ALL_TRIES)))
    with refused(OutcomeUnknown):
        proxied.book(shop.customer.writes("one-key"), shop.booking())
    settled = shop.port.book(shop.customer.writes("one-key"), shop.booking())
    assert [settled] == all_booked(shop)


@pytest.mark.parametrize("late", [lambda: Delay(1.5), Swallow, Drip], ids=["delayed", "swallowed", "dripped"])
def test_the_deadline_holds_by_the_clock_on_the_wall(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling, late: Callable[[], Fault]
) -> None:
    proxy.inject(late())
    began = time.monotonic()
    with refused(OutcomeUnknown):
        proxied.book(shop.customer.writes("one-key", seconds=0.5), shop.booking())
    assert time.monotonic() - began < 0.5 + GRACE
    settled = shop.port.book(shop.customer.writes("one-key"), shop.booking())
    assert [settled] == all_booked(shop)


def test_a_read_that_comes_late_did_nothing(shop: Shop, proxy: TcpProxy, proxied: HttpScheduling) -> None:
    proxy.inject(Drip())
    began = time.monotonic()
    with refused(DeadlineExceeded):
        proxied.list_offerings(shop.staff.reads(seconds=0.3), m.ListOfferings())
    assert time.monotonic() - began < 0.3 + GRACE


def all_booked(shop: Shop) -> list[m.Appointment]:
    page = shop.port.list_appointments(shop.staff.reads(), m.ListAppointments(start=at(0)))
    return list(page.appointments)
