"""A call ends by its deadline, and has no effect after it."""

import time

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from contracts.scheduling import models as m
from contracts.scheduling.errors import DeadlineExceeded, OutcomeUnknown, SchedulingError
from contracts.scheduling.port import OPERATIONS
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import samples, unknown
from tests.contract.port.shop import Shop, at, refused


def test_no_change_after_the_deadline(shop: Shop) -> None:
    requests = samples(shop, unknown(booked=shop.book().appointment_id))
    for operation in OPERATIONS:
        ctx = shop.system.writes(seconds=-0.001) if operation.writes else shop.system.reads(seconds=-0.001)
        with refused(DeadlineExceeded):
            getattr(shop.port, operation.name)(ctx, requests[operation.name])
    assert len(shop.port.list_appointments(shop.staff.reads(), m.ListAppointments()).appointments) == 1


def test_blocked_write_ends_at_its_deadline_without_effect(adapter: Adapter, shop: Shop) -> None:
    """The caller may receive `OutcomeUnknown`; the write has no effect in any case."""
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute("SELECT pg_advisory_xact_lock(scheduling.fence_key(%s))", (shop.business_id,))
        began = time.monotonic()
        with pytest.raises((DeadlineExceeded, OutcomeUnknown)):
            shop.port.book(shop.customer.writes("late", seconds=0.4), shop.booking())
        assert 0.2 < time.monotonic() - began < 1.0
        time.sleep(0.2)
    assert at(9) in shop.starts()
    assert shop.port.book(shop.customer.writes("late"), shop.booking()).status == "booked"


@pytest.mark.parametrize(
    "read", ["list_offerings", "get_appointment", "list_appointments", "search_slots", "get_agenda"]
)
def test_blocked_read_ends_at_its_deadline(adapter: Adapter, shop: Shop, read: str) -> None:
    request = samples(shop, unknown(booked=shop.book().appointment_id))[read]
    table = {"list_offerings": "offering", "search_slots": "claim"}.get(read, "appointment")
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute(SQL("LOCK TABLE scheduling.{}").format(Identifier(table)))
        began = time.monotonic()
        with pytest.raises(DeadlineExceeded):
            getattr(shop.port, read)(shop.staff.reads(seconds=0.4), request)
        assert 0.2 < time.monotonic() - began < 1.0


def test_operation_budget_bounds_a_call_with_a_late_deadline(adapter: Adapter, shop: Shop) -> None:
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute("LOCK TABLE scheduling.offering")
        began = time.monotonic()
        with pytest.raises(SchedulingError):
            shop.port.list_offerings(shop.staff.reads(seconds=3600.0), m.ListOfferings())
        assert 1.5 < time.monotonic() - began < 2.6
