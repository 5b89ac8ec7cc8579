"""Businesses take turns in the delivery of webhooks, so that the receivers of one delay no other."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from uuid import uuid4

import pytest

from monolith.modules.notifications.pruning import MailPruner
from monolith.modules.notifications.webhooks import delivery
from tests.http_receiver import Received, Receiver, Reply, http_receiver
from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import Office
from tests.integration.notifications.test_webhooks import Sending
from tests.polling import eventually


@pytest.fixture
def crowding(office: Office) -> Sending:
    return Sending(office)


@pytest.fixture
def other(office: Office) -> Sending:
    return Sending(office, uuid4())


def paths(receiver: Receiver) -> list[str]:
    return [each.path for each in receiver.requests]


def crowd(sending: Sending, url: str) -> None:
    """Let a business have 60 due deliveries, several batches."""
    sending.add(f"{url}/crowd/1")
    sending.add(f"{url}/crowd/2")
    sending.office.hear(*(Story(business_id=sending.story.business_id).booked() for _ in range(30)))


def test_business_that_waits_is_next_after_one_batch_of_another(crowding: Sending, other: Sending) -> None:
    with http_receiver() as receiver:
        crowd(crowding, receiver.url)
        other.add(f"{receiver.url}/other")
        other.office.hear(other.story.booked())
        crowding.sender.step()
        assert 0 < len(receiver.requests) <= delivery.BATCH
        assert "/other" not in paths(receiver)
        crowding.sender.step()
        assert paths(receiver)[-1] == "/other"
        crowding.send_all()
        assert len(receiver.requests) == 61


def test_slow_receivers_of_a_business_occupy_one_sender(
    crowding: Sending, other: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "ATTEMPT_SECONDS", 30.0)
    answer = threading.Event()

    def reply(received: Received) -> Reply:
        if received.path.startswith("/crowd"):
            answer.wait(30)
        return Reply()

    with http_receiver(reply) as receiver, ThreadPoolExecutor(1) as pool:
        crowd(crowding, receiver.url)
        first = pool.submit(crowding.sender.step)
        eventually(lambda: receiver.requests, "the first request")
        other.add(f"{receiver.url}/other")
        other.office.hear(other.story.booked())
        assert other.sender.step()
        assert paths(receiver)[1:] == ["/other"]
        assert not other.sender.step(), "the business whose receivers are slow has a sender already"
        answer.set()
        assert first.result()
        assert other.sender.step()


def test_slow_answer_counts_as_a_delivery_and_as_a_reason_to_wait(
    crowding: Sending, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "SLOW_SECONDS", 0.1)

    def reply(_: Received) -> Reply:
        time.sleep(0.2)
        return Reply()

    with http_receiver(reply) as receiver:
        webhook_id, _ = crowding.add(receiver.url)
        crowding.office.hear(crowding.story.booked(), crowding.story.rescheduled())
        crowding.send_all()
        assert sorted((each.state, each.attempts) for each in crowding.deliveries(webhook_id)) == [
            ("delivered", 1),
            ("pending", 0),
        ]
        assert crowding.webhooks.get(crowding.business, webhook_id).failing_since is None
        crowding.time_passes()
        assert len(receiver.requests) == 2


def test_turn_of_a_crashed_sender_ends_and_is_forgotten(crowding: Sending) -> None:
    with http_receiver() as receiver:
        crowding.add(receiver.url)
        crowding.office.hear(crowding.story.booked())
        administer = crowding.office.administer
        ended = "INSERT INTO notifications.webhook_turn SELECT '{0}', now() - interval '{1}', now() + interval '{2}'"
        administer(ended.format(crowding.story.business_id, "1 minute", "1 minute"))
        assert not crowding.sender.step(), "the sender may still be alive"
        administer("UPDATE notifications.webhook_turn SET ends_at = now()")
        assert crowding.sender.step()
        assert paths(receiver) == ["/"]
    administer("UPDATE notifications.webhook_turn SET began_at = began_at - interval '91 days', ends_at = began_at")
    MailPruner(crowding.office.sending, timedelta(days=92)).step()
    assert administer("SELECT count(*) FROM notifications.webhook_turn") == [(1,)]
    administer("UPDATE notifications.webhook_turn SET ends_at = began_at")
    MailPruner(crowding.office.sending, timedelta(days=90)).step()
    assert administer("SELECT count(*) FROM notifications.webhook_turn") == [(0,)]
