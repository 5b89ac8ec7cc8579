"""Idempotency keys: one effect and one reply, however often a call is repeated."""

from collections.abc import Sized

import msgspec
import psycopg
import pytest

from contracts.chassis.credentials import without_credentials
from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import InvalidRequest, KeyReused, SlotUnavailable
from contracts.scheduling.port import OPERATIONS
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import samples, standing
from tests.contract.port.shop import Shop, at, open_shop, refused
from tests.key_pruning import prune_keys

KEY = "Idempotency-Key"


def appointments(shop: Shop) -> tuple[m.Appointment, ...]:
    return shop.port.list_appointments(shop.staff.reads(), m.ListAppointments()).appointments


def everything(shop: Shop) -> dict[str, Sized]:
    port, staff = shop.port, shop.staff
    return {
        "appointments": appointments(shop),
        "offerings": port.list_offerings(staff.reads(), m.ListOfferings()).offerings,
        "providers": port.list_providers(staff.reads(), m.ListProviders()).providers,
        "resources": port.list_resources(staff.reads(), m.ListResources()).resources,
        "waitlist": port.list_waitlist(staff.reads(), m.ListWaitlist()).entries,
    }


def keyless(ctx: CallContext, key: str | None) -> CallContext:
    return msgspec.structs.replace(ctx, idempotency_key=key)


def test_repeated_call_has_one_effect_and_one_reply(shop: Shop) -> None:
    first = shop.port.book(shop.customer.writes("one"), shop.booking())
    assert shop.port.book(shop.customer.writes("one"), shop.booking()) == first
    assert appointments(shop) == (first,)


def test_every_write_can_be_repeated(adapter: Adapter, shop: Shop) -> None:
    requests = samples(shop, standing(adapter, shop))
    stood = everything(shop)
    for operation in OPERATIONS:
        if operation.writes:
            call = getattr(shop.port, operation.name)
            caller = shop.system
            first = call(caller.writes("again"), requests[operation.name])
            assert call(caller.writes("again"), requests[operation.name]) == first, operation.name
    grown = {what: len(there) - len(stood[what]) for what, there in everything(shop).items()}
    booked = 1 + 1 + 2 + 2  # book, hold, a series of two, a visit of two
    assert grown == {"appointments": booked, "offerings": 1, "providers": 1, "resources": 1, "waitlist": 1}


def test_repeated_call_returns_the_stored_reply_after_later_changes(shop: Shop) -> None:
    first = shop.port.book(shop.customer.writes("one"), shop.booking())
    shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=first.appointment_id))
    assert shop.port.book(shop.customer.writes("one"), shop.booking()) == first
    assert [each.status for each in appointments(shop)] == ["cancelled"]


@pytest.mark.row("F23")
def test_the_same_key_with_another_request_is_refused(shop: Shop) -> None:
    first = shop.port.book(shop.customer.writes("one"), shop.booking(at(9)))
    with refused(KeyReused):
        shop.port.book(shop.customer.writes("one"), shop.booking(at(10)))
    with refused(KeyReused):
        shop.port.book(shop.customer.writes("one"), shop.booking(at(9), note="Another"))
    assert appointments(shop) == (first,)


@pytest.mark.row("H7")
def test_another_actor_may_use_the_same_key(shop: Shop) -> None:
    first = shop.port.book(shop.customer.writes("one"), shop.booking(at(9)))
    other = shop.port.book(shop.stranger.writes("one"), shop.booking(at(10), shop.stranger))
    assert other.appointment_id != first.appointment_id
    by_staff = shop.port.book(shop.staff.writes("one"), shop.booking(at(11)))
    assert by_staff.appointment_id not in (first.appointment_id, other.appointment_id)


def test_another_operation_may_use_the_same_key(shop: Shop) -> None:
    booked = shop.port.book(shop.customer.writes("one"), shop.booking())
    request = m.Cancel(appointment_id=booked.appointment_id)
    assert shop.port.cancel(shop.customer.writes("one"), request).status == "cancelled"


def test_another_business_may_use_the_same_key(adapter: Adapter, shop: Shop) -> None:
    other = open_shop(adapter.port, adapter.new_business())
    ours = shop.port.create_offering(shop.system.writes("one"), m.CreateOffering(name="Wash", duration_minutes=20))
    theirs = other.port.create_offering(other.system.writes("one"), m.CreateOffering(name="Wash", duration_minutes=20))
    assert ours.offering_id != theirs.offering_id


def test_refusal_is_not_stored(shop: Shop) -> None:
    standing = shop.book()
    with refused(SlotUnavailable, reason="taken"):
        shop.port.book(shop.stranger.writes("one"), shop.booking(by=shop.stranger))
    shop.port.cancel(shop.customer.writes(), m.Cancel(appointment_id=standing.appointment_id))
    booked = shop.port.book(shop.stranger.writes("one"), shop.booking(by=shop.stranger))
    assert booked.status == "booked"


@pytest.mark.parametrize("key", ["a", "~!#$%&'*+-.^_`|/\\\"(),:;<=>?@[]{}", "k" * 200])
def test_a_key_is_any_visible_ascii(shop: Shop, key: str) -> None:
    first = shop.port.book(shop.customer.writes(key), shop.booking())
    assert shop.port.book(shop.customer.writes(key), shop.booking()) == first


@pytest.mark.parametrize("key", [None, "", " ", "two words", "k" * 201, "clé", "a\r\nX-User: b", "a\n", "\x00", "\x7f"])
def test_a_write_without_a_valid_key_is_refused(shop: Shop, key: str | None) -> None:
    with refused(InvalidRequest, field=KEY):
        shop.port.book(keyless(shop.customer.writes(), key), shop.booking())
    assert appointments(shop) == ()


def test_every_write_needs_a_key_and_no_read_does(adapter: Adapter, shop: Shop) -> None:
    requests = samples(shop, standing(adapter, shop))
    for operation in OPERATIONS:
        call = getattr(shop.port, operation.name)
        if operation.writes:
            with refused(InvalidRequest, field=KEY):
                call(keyless(shop.system.writes(), None), requests[operation.name])
        else:
            call(shop.system.reads(), requests[operation.name])


@pytest.mark.row("F24")
def test_24_expired_key_is_refused_by_the_constraint(adapter: Adapter, shop: Shop) -> None:
    """A repeated key whose row has been pruned is executed again; the constraint prevents a second booking."""
    first = shop.port.book(shop.customer.writes("old"), shop.booking())
    with psycopg.connect(adapter.database_url, autocommit=True) as administrator:
        administrator.execute(
            "UPDATE scheduling.idempotency SET recorded_at = now() - interval '8 days' WHERE business_id = %s",
            (shop.business_id,),
        )
        assert shop.port.book(shop.customer.writes("old"), shop.booking()) == first, "not pruned yet"
        prune_keys(without_credentials(adapter.database_url), adapter.role_secret)
        found = administrator.execute(
            "SELECT count(*) FROM scheduling.idempotency WHERE business_id = %s", (shop.business_id,)
        )
        assert found.fetchone() == (0,)
    with refused(SlotUnavailable):
        shop.port.book(shop.customer.writes("old"), shop.booking())
    assert appointments(shop) == (first,)
