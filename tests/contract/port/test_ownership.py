"""Without an active lease writes are refused, while reads continue."""

import psycopg
import pytest

from contracts.scheduling import models as m
from contracts.scheduling.errors import DeadlineExceeded, NotOwner, OutcomeUnknown, SchedulingError, Unavailable
from contracts.scheduling.port import OPERATIONS
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import samples, unknown
from tests.contract.port.shop import Shop, at


@pytest.fixture
def unowned(adapter: Adapter, shop: Shop) -> Shop:
    """A shop with one appointment and an inactive lease, as during a cutover."""
    shop.book()
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute("UPDATE scheduling.lease SET active = false WHERE business_id = %s", (shop.business_id,))
    return shop


Kinds = tuple[type[SchedulingError], ...]


@pytest.fixture
def expected(adapter: Adapter) -> Kinds:
    """The switched port retries until the deadline, which may occur during its last call."""
    return (Unavailable, DeadlineExceeded, OutcomeUnknown) if adapter.name.startswith("switched") else (NotOwner,)


def test_no_write_without_an_active_lease(unowned: Shop, expected: Kinds) -> None:
    booked = unowned.port.list_appointments(unowned.staff.reads(), m.ListAppointments()).appointments[0]
    requests = samples(unowned, unknown(booked=booked.appointment_id))
    for operation in OPERATIONS:
        if operation.writes:
            with pytest.raises(expected) as refusal:
                getattr(unowned.port, operation.name)(unowned.system.writes(seconds=0.3), requests[operation.name])
            assert type(refusal.value) in expected
    assert unowned.port.list_appointments(unowned.staff.reads(), m.ListAppointments()).appointments == (booked,)


def test_reads_need_no_active_lease(unowned: Shop) -> None:
    assert at(10) in unowned.starts()
    assert unowned.port.get_business(unowned.anonymous.reads(), m.GetBusiness()).epoch == 1
    assert len(unowned.port.list_appointments(unowned.staff.reads(), m.ListAppointments()).appointments) == 1


def test_same_key_succeeds_after_the_lease_returns(adapter: Adapter, unowned: Shop, expected: Kinds) -> None:
    with pytest.raises(expected):
        unowned.port.book(unowned.customer.writes("one", seconds=0.3), unowned.booking(at(10)))
    with psycopg.connect(adapter.database_url) as administrator:
        administrator.execute(
            "UPDATE scheduling.lease SET active = true WHERE business_id = %s", (unowned.business_id,)
        )
    assert unowned.port.book(unowned.customer.writes("one"), unowned.booking(at(10))).version == 1
