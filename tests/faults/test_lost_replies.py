"""The service commits but its reply is lost (faults 6, 7, 9, 10): never reported as failed, never executed twice."""

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
"""Tolerance in seconds for a busy machine."""

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


@pytest.mark.row("F6")
def test_adapter_settles_one_lost_reply(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling, lost: Callable[[], Fault]
) -> None:
    proxy.inject(lost())
    appointment = shop.through(proxied).book()
    assert [appointment] == all_booked(shop)


@pytest.mark.row("F6")
def test_unknown_outcome_is_settled_by_the_same_key(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling, lost: Callable[[], Fault]
) -> None:
    proxy.inject(*(lost() for _ in range(MORE_THAN_ALL_TRIES)))
    with refused(OutcomeUnknown):
        proxied.book(shop.customer.writes("one-key"), shop.booking())
    settled = shop.port.book(shop.customer.writes("one-key"), shop.booking())
    assert [settled] == all_booked(shop)


@pytest.mark.row("F10")
@pytest.mark.parametrize("late", [lambda: Delay(1.5), Swallow, Drip], ids=["delayed", "swallowed", "dripped"])
def test_deadline_is_wall_clock_time(
    shop: Shop, proxy: TcpProxy, proxied: HttpScheduling, late: Callable[[], Fault]
) -> None:
    proxy.inject(late())
    began = time.monotonic()
    with refused(OutcomeUnknown):
        proxied.book(shop.customer.writes("one-key", seconds=0.5), shop.booking())
    assert time.monotonic() - began < 0.5 + GRACE
    settled = shop.port.book(shop.customer.writes("one-key"), shop.booking())
    assert [settled] == all_booked(shop)


def test_late_read_has_no_effect(shop: Shop, proxy: TcpProxy, proxied: HttpScheduling) -> None:
    proxy.inject(Drip())
    began = time.monotonic()
    with refused(DeadlineExceeded):
        proxied.list_offerings(shop.staff.reads(seconds=0.3), m.ListOfferings())
    assert time.monotonic() - began < 0.3 + GRACE


def all_booked(shop: Shop) -> list[m.Appointment]:
    page = shop.port.list_appointments(shop.staff.reads(), m.ListAppointments(start=at(0)))
    return list(page.appointments)
