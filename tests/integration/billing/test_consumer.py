"""The module behind the events framework: effect and inbox in one transaction, versions in order."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from contracts.scheduling.events import decode_event
from monolith.modules.billing.module import build_billing
from monolith.shared.database import Database
from monolith.shared.events import Consumer
from monolith.shared.events.apply_event import ApplyOutcome, apply_event
from monolith.shared.events.inbox import Inbox
from tests.integration.billing.bookkeeping import Books

THREADS = 8


@pytest.fixture
def consumer(database: Database) -> Consumer:
    (consumer,) = build_billing(database).consumers
    return consumer


@pytest.fixture
def inbox(consumer: Consumer) -> Inbox:
    return Inbox(consumer.name)


def test_a_delivery_at_once_in_many_consumers_is_one_invoice(books: Books, consumer: Consumer, inbox: Inbox) -> None:
    books.price(5_000)
    booked = books.booked()
    with ThreadPoolExecutor(THREADS) as pool:
        outcomes = list(pool.map(lambda _: apply_event(consumer, inbox, booked)[0], range(THREADS)))
    assert sorted(outcome.name for outcome in outcomes) == ["ALREADY_APPLIED"] * (THREADS - 1) + ["APPLIED"]
    assert books.numbers() == [1]


def test_a_cancellation_that_overtakes_its_booking_waits_for_it(books: Books, consumer: Consumer, inbox: Inbox) -> None:
    books.price(5_000)
    booked = books.booked()
    cancelled = books.cancelled(booked)
    assert apply_event(consumer, inbox, cancelled)[0] is ApplyOutcome.EARLY
    assert books.numbers() == []
    outcome, successor = apply_event(consumer, inbox, booked)
    assert outcome is ApplyOutcome.APPLIED
    assert successor is not None
    assert apply_event(consumer, inbox, decode_event(successor))[0] is ApplyOutcome.APPLIED
    invoice = books.invoice(booked)
    assert invoice is not None
    assert invoice.state == "credited"


def test_a_new_time_leaves_its_mark_in_the_inbox_only(books: Books, consumer: Consumer, inbox: Inbox) -> None:
    books.price(5_000)
    booked = books.booked()
    moved = books.rescheduled(booked)
    for event in (booked, moved):
        assert apply_event(consumer, inbox, event)[0] is ApplyOutcome.APPLIED
    invoice = books.invoice(booked)
    assert invoice is not None
    assert (invoice.state, invoice.total_minor) == ("open", 5_000)
    assert apply_event(consumer, inbox, moved)[0] is ApplyOutcome.ALREADY_APPLIED
