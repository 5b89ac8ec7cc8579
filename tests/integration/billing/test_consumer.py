"""Billing as an event consumer: effect and inbox in one transaction, versions in order."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.scheduling.events import AnyEvent, decode_event
from monolith.modules.billing.module import build_billing
from monolith.shared.database import ModuleDatabase
from monolith.shared.events import Consumer
from monolith.shared.events.apply_events import apply_events
from monolith.shared.events.batch import ApplyOutcome
from monolith.shared.events.inbox import Inbox
from tests.integration.billing.billed_business import Books

THREADS = 8


@pytest.fixture
def consumer(database: ModuleDatabase) -> Consumer:
    (consumer,) = build_billing(database).consumers
    return consumer


@pytest.fixture
def inbox(consumer: Consumer) -> Inbox:
    return Inbox(consumer.name)


def test_concurrent_deliveries_create_one_invoice(books: Books, consumer: Consumer, inbox: Inbox) -> None:
    books.price(5_000)
    booked = books.booked()
    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(lambda _: outcome_of(consumer, inbox, booked), range(THREADS)))
    assert sorted(outcome.name for outcome in outcomes) == ["ALREADY_APPLIED"] * (THREADS - 1) + ["APPLIED"]
    assert books.numbers() == [1]


def test_early_cancellation_waits_for_its_booking(books: Books, consumer: Consumer, inbox: Inbox) -> None:
    books.price(5_000)
    booked = books.booked()
    cancelled = books.cancelled(booked)
    assert outcome_of(consumer, inbox, cancelled) is ApplyOutcome.EARLY
    assert books.numbers() == []
    plan = apply_events(consumer, inbox, [booked])
    assert plan.outcomes == [ApplyOutcome.APPLIED]
    (successor,) = plan.successors
    assert outcome_of(consumer, inbox, decode_event(successor)) is ApplyOutcome.APPLIED
    invoice = books.invoice(booked)
    assert invoice is not None
    assert invoice.state == "credited"


def test_reschedule_without_a_fee_changes_the_inbox_only(books: Books, consumer: Consumer, inbox: Inbox) -> None:
    books.price(5_000)
    booked = books.booked()
    moved = books.rescheduled(booked)
    for event in (booked, moved):
        assert outcome_of(consumer, inbox, event) is ApplyOutcome.APPLIED
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.state, invoice.total_minor) == ("open", 5_000)
    assert outcome_of(consumer, inbox, moved) is ApplyOutcome.ALREADY_APPLIED


def test_a_batch_charges_every_business_in_the_order_of_its_events(
    books: Books, consumer: Consumer, inbox: Inbox
) -> None:
    other = books.of_another_business()
    for each in (books, other):
        each.price(5_000)
    events = [each.booked() for each in (books, other, books, other, books)]
    assert apply_events(consumer, inbox, events).outcomes == [ApplyOutcome.APPLIED] * 5
    for each, booked in ((books, events[::2]), (other, events[1::2])):
        invoices = [each.invoice(event) for event in booked]
        assert [invoice.number for invoice in invoices if invoice] == list(range(1, len(booked) + 1))


def test_a_booking_and_its_cancellation_in_one_batch_leave_a_credited_invoice(
    books: Books, consumer: Consumer, inbox: Inbox
) -> None:
    books.price(5_000)
    booked = books.booked()
    plan = apply_events(consumer, inbox, [booked, books.cancelled(booked)])
    assert [len(wave) for wave in plan.waves] == [1, 1]
    invoice = books.invoice(booked)
    assert invoice is not None
    assert invoice.state == "credited"


def outcome_of(consumer: Consumer, inbox: Inbox, event: AnyEvent) -> ApplyOutcome:
    (outcome,) = apply_events(consumer, inbox, [event]).outcomes
    return outcome
