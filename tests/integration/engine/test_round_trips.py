"""How often a write waits for Postgres, counted in libpq's own trace of the protocol."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from contracts.chassis.deadline import Deadline
from contracts.scheduling import models as m
from contracts.scheduling.errors import SlotUnavailable
from tests.contract.port.shop import Shop, at
from tests.integration.engine.workbench import Workbench

BOOKING = 3
"""Begin and lock; read what is occupied and claim it; store everything and commit."""


class RoundTrips:
    """Counts what happens on the connection that the pool lends next."""

    def __init__(self, bench: Workbench, trace: Path) -> None:
        self._bench = bench
        self._trace = trace

    def of(self, call: Callable[[], object]) -> int:
        """Return the number of round trips of a call: Postgres ends each with ReadyForQuery."""
        self._trace.write_text("")
        with self._trace.open("r+") as file, self._traced(file.fileno()):
            call()
        return self._trace.read_text().count("ReadyForQuery")

    @contextmanager
    def _traced(self, descriptor: int) -> Iterator[None]:
        with self._bench.database.connection(Deadline.after(5)) as connection:
            connection.pgconn.trace(descriptor)
        yield
        connection.pgconn.untrace()


@pytest.fixture
def round_trips(bench: Workbench, tmp_path: Path) -> RoundTrips:
    return RoundTrips(bench, tmp_path / "protocol")


def test_a_booking_takes_three_round_trips(shop: Shop, round_trips: RoundTrips) -> None:
    shop.book(at(9))
    assert round_trips.of(lambda: shop.book(at(10))) == BOOKING


def test_a_booking_that_names_no_provider_takes_one_more(shop: Shop, round_trips: RoundTrips) -> None:
    """It reads what is occupied in the round trip that locks the offering, and claims when it has chosen."""
    anyone = shop.booking(at(10), provider_id=None)
    shop.book(at(9))
    assert round_trips.of(lambda: shop.port.book(shop.customer.writes(), anyone)) == BOOKING + 1


def test_listing_services_or_providers_takes_one(shop: Shop, round_trips: RoundTrips) -> None:
    assert round_trips.of(lambda: shop.port.list_offerings(shop.customer.reads(), m.ListOfferings())) == 1
    assert round_trips.of(lambda: shop.port.list_providers(shop.customer.reads(), m.ListProviders())) == 1


def test_a_refusal_and_a_repeated_key_take_three_and_two(shop: Shop, round_trips: RoundTrips) -> None:
    shop.port.book(shop.customer.writes("one"), shop.booking(at(9)))

    def refused() -> None:
        with pytest.raises(SlotUnavailable):
            shop.book(at(9))

    assert round_trips.of(refused) == 3
    assert round_trips.of(lambda: shop.port.book(shop.customer.writes("one"), shop.booking(at(9)))) == 2


def test_a_refusal_does_not_make_the_next_booking_prepare_again(shop: Shop, round_trips: RoundTrips) -> None:
    shop.book(at(9))
    with pytest.raises(SlotUnavailable):
        shop.book(at(9))
    assert round_trips.of(lambda: shop.book(at(10))) == BOOKING


def test_a_cancellation_takes_five_round_trips(shop: Shop, round_trips: RoundTrips) -> None:
    booked = [shop.book(at(hour)) for hour in (9, 10)]

    def cancel(each: m.Appointment) -> None:
        shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=each.appointment_id, reason=""))

    cancel(booked[0])
    assert round_trips.of(lambda: cancel(booked[1])) == 5
