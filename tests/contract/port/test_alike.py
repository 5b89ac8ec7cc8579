"""One transcript of calls has identical replies and refusals on every adapter."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import msgspec

from contracts.scheduling import models as m
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.operations import AnyOperation
from contracts.scheduling.port import OPERATIONS
from tests.contract.port.adapters import NAMES, Adapter
from tests.contract.port.samples import samples, spoilt, standing
from tests.contract.port.shop import MONDAY, Shop, at, open_shop

Step = Callable[[], object]


def story(shop: Shop) -> list[Step]:
    """Calls of every kind in order, including one for each error that the database can cause."""
    booked = shop.book(at(9), note="Ünïcödé ✂")
    return [lambda: booked, *_looking_and_booking(shop), *_changing(shop, booked.appointment_id)]


def _looking_and_booking(shop: Shop) -> list[Step]:
    port, customer, staff = shop.port, shop.customer, shop.staff
    return [
        lambda: port.get_business(customer.reads(), m.GetBusiness()),
        lambda: port.list_offerings(staff.reads(), m.ListOfferings()),
        lambda: port.list_providers(staff.reads(), m.ListProviders()),
        shop.search,
        lambda: port.book(customer.writes("same"), shop.booking(at(10))),
        lambda: port.book(customer.writes("same"), shop.booking(at(10))),
        lambda: port.book(customer.writes("same"), shop.booking(at(11))),
        lambda: port.book(customer.writes(), shop.booking(customer_id=shop.stranger.id)),
        lambda: port.book(customer.writes(), spoilt(shop.booking(), note="a\nb")),
        lambda: shop.book(at(9)),
        lambda: shop.book(at(8)),
        lambda: shop.book(at(9, 1)),
        lambda: shop.book(datetime(2020, 1, 1, tzinfo=UTC)),
        lambda: shop.book(offering_id=uuid4()),
        lambda: shop.book(provider_id=uuid4()),
    ]


def _changing(shop: Shop, one: UUID) -> list[Step]:
    port, customer, staff = shop.port, shop.customer, shop.staff
    return [
        lambda: port.reschedule(
            customer.writes(), m.Reschedule(appointment_id=one, starts_at=at(12), expected_version=7)
        ),
        lambda: port.reschedule(
            customer.writes(), m.Reschedule(appointment_id=one, starts_at=at(12), expected_version=1)
        ),
        lambda: port.get_appointment(shop.stranger.reads(), m.GetAppointment(appointment_id=one)),
        lambda: port.get_appointment(customer.reads(), m.GetAppointment(appointment_id=one)),
        lambda: port.cancel(customer.writes(), m.Cancel(appointment_id=one, reason="Ill")),
        lambda: port.cancel(customer.writes(), m.Cancel(appointment_id=one)),
        lambda: port.list_appointments(staff.reads(), m.ListAppointments(limit=1)),
        lambda: port.list_appointments(staff.reads(), m.ListAppointments(cursor="AAAA")),
        lambda: port.get_agenda(
            staff.reads(),
            m.GetAgenda(provider_id=shop.provider.provider_id, start=MONDAY, end=MONDAY + timedelta(days=1)),
        ),
        lambda: port.get_agenda(customer.reads(), m.GetAgenda(provider_id=uuid4(), start=MONDAY, end=at(1))),
        lambda: port.get_business(staff.reads(seconds=-1), m.GetBusiness()),
    ]


def every_operation(adapter: Adapter, shop: Shop) -> list[Step]:
    """Make every call once, as the system."""
    requests = samples(shop, standing(adapter, shop))

    def calling(operation: AnyOperation) -> Step:
        ctx = shop.system.writes() if operation.writes else shop.system.reads()
        return lambda: getattr(shop.port, operation.name)(ctx, requests[operation.name])

    return [calling(operation) for operation in OPERATIONS]


def told(step: Step) -> str:
    """Return the outcome as text: a reply with its type, or an error with code, message and details."""
    try:
        reply = step()
        return f"{type(reply).__name__} {msgspec.json.encode(reply).decode()}"
    except SchedulingError as error:
        return f"{type(error).__name__} {error.code} {error.message!r} {error.details()}"


def anonymous(transcript: str) -> str:
    """Number ids by first appearance, and drop current times; appointments are in 2040."""
    names: dict[str, str] = {}
    transcript = re.sub(
        r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", lambda id: names.setdefault(id[0], f"id {len(names)}"), transcript
    )
    transcript = re.sub(r'"next_cursor":"[^"]+"', '"next_cursor":"..."', transcript)
    return re.sub(r'"20[23]\d-[^"]+Z"', '"now"', transcript)


def test_every_adapter_gives_the_same_transcript(adapters: dict[str, Adapter]) -> None:
    all_alike(adapters, lambda _, shop: story(shop))


def test_every_adapter_gives_the_same_reply_to_every_operation(adapters: dict[str, Adapter]) -> None:
    transcript = all_alike(adapters, every_operation)
    replies = [each.split()[0] for each in transcript]
    assert replies == [operation.reply.__name__ for operation in OPERATIONS]


def all_alike(adapters: dict[str, Adapter], steps: Callable[[Adapter, Shop], list[Step]]) -> list[str]:
    """Return the transcript after checking that every adapter gave the same."""
    transcripts = {}
    for name in NAMES:
        adapter = adapters[name]
        shop = open_shop(adapter.port, adapter.new_business())
        transcripts[name] = [anonymous(told(step)) for step in steps(adapter, shop)]
    first = transcripts.pop(NAMES[0])
    for name, transcript in transcripts.items():
        assert transcript == first, name
    return first
