"""Webhooks reach real receivers: once for each event, signed, repeated after failures, replayed on request."""

import base64
import hashlib
import hmac
import json
from collections.abc import Iterator
from ipaddress import ip_network
from uuid import UUID, uuid4

import pytest
from prometheus_client import CollectorRegistry

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.api import CreateWebhook, DeliveriesQuery
from monolith.modules.notifications.webhooks.delivery import WebhookSender
from monolith.modules.notifications.webhooks.webhook_metrics import WebhookBacklog, WebhookMetrics
from monolith.modules.notifications.webhooks.webhook_models import Delivery
from monolith.shared.endpoints import ApiError, BusinessRef
from monolith.shared.outbound import AddressRule, OutboundClient
from tests.http_receiver import Received, Receiver, Reply, http_receiver
from tests.integration.events.sample_events import BUSINESS, Story
from tests.integration.notifications.conftest import Office

OUTCOMES = ("delivered", "failed", "dead")


class Sending:
    """One business with a sender that may reach this machine."""

    def __init__(self, office: Office, business_id: UUID = BUSINESS) -> None:
        self.office = office
        self.webhooks = office.module.webhooks
        self.story = Story(business_id=business_id, customer_id=office.customer())
        self.business = BusinessRef(self.story.business_id, "shop", "Shop", "UTC", "EUR")
        self.registry = CollectorRegistry()
        client = OutboundClient(AddressRule([ip_network("127.0.0.1/32")]))
        self.sender = WebhookSender(office.sending, client, WebhookMetrics(self.registry))

    def add(self, url: str, *events: str) -> tuple[UUID, str]:
        """Add a webhook; return its id and secret."""
        wanted = CreateWebhook(url=url, events=events) if events else CreateWebhook(url=url)  # type: ignore[arg-type]
        created = self.webhooks.create(self.business, uuid4(), wanted)
        return created.webhook.webhook_id, created.secret

    def send_all(self) -> None:
        while self.sender.step():
            pass

    def time_passes(self) -> None:
        """Make all waiting deliveries due, and attempt them."""
        self.office.administer("UPDATE notifications.webhook_delivery SET next_attempt_at = now()")
        self.send_all()

    def deliveries(self, webhook_id: UUID) -> list[Delivery]:
        return list(self.webhooks.deliveries(self.business, webhook_id, DeliveriesQuery()).deliveries)

    def counts(self) -> dict[str, float | None]:
        """Return how many deliveries were accepted, failed and given up, and how many receivers fail."""
        counted = {name: self.registry.get_sample_value(f"webhook_{name}_total") for name in OUTCOMES}
        backlog = {metric.name: metric.samples[0].value for metric in WebhookBacklog(self.office.sending).read()}
        return counted | {"failing": backlog["webhook_failing"]}

    def happen(self, *events: AnyEvent) -> None:
        self.office.hear(*events)
        self.send_all()


@pytest.fixture
def sending(office: Office) -> Sending:
    return Sending(office)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as receiver:
        yield receiver


def is_signed(received: Received, secret: str) -> bool:
    """Return whether a receiver with this secret accepts the request, as the specification describes."""
    content = f"{received.headers['webhook-id']}.{received.headers['webhook-timestamp']}.".encode() + received.body
    key = base64.b64decode(secret.removeprefix("whsec_"))
    expected = base64.b64encode(hmac.new(key, content, hashlib.sha256).digest()).decode()
    return f"v1,{expected}" in received.headers["webhook-signature"].split(" ")


def test_event_is_posted_once_to_each_receiver_that_wants_it(sending: Sending, receiver: Receiver) -> None:
    _, secret = sending.add(f"{receiver.url}/all")
    sending.add(f"{receiver.url}/cancelled", "appointment.cancelled")
    event = sending.story.booked()
    sending.happen(event)
    sending.send_all()
    (received,) = receiver.requests
    assert (received.method, received.path) == ("POST", "/all")
    assert received.headers["content-type"] == "application/json"
    assert is_signed(received, secret)
    body = json.loads(received.body)
    assert sorted(body) == ["data", "timestamp", "type"]
    assert body["type"] == "appointment.booked"
    assert body["data"]["appointment"]["appointment_id"] == str(event.appointment.appointment_id)
    assert body["data"]["appointment"]["version"] == 1
    assert sorted(body["data"]) == ["appointment", "business_id", "business_name", "business_zone", "event_id"]


def test_failures_are_repeated_until_the_delivery_is_dead_and_replayed(sending: Sending, receiver: Receiver) -> None:
    webhook_id, secret = sending.add(receiver.url)
    receiver.reply = lambda _: Reply(status=500)
    sending.happen(sending.story.booked())
    for _ in range(20):
        sending.time_passes()
    assert len(receiver.requests) == 10
    assert len({(each.headers["webhook-id"], each.body) for each in receiver.requests}) == 1
    assert all(is_signed(each, secret) for each in receiver.requests)
    (dead,) = sending.deliveries(webhook_id)
    assert (dead.state, dead.attempts, dead.status) == ("dead", 10, 500)
    assert dead.problem == "The receiver answered with status 500."
    assert sending.webhooks.get(sending.business, webhook_id).failing_since is not None
    assert sending.counts() == {"delivered": 0, "failed": 9, "dead": 1, "failing": 1}

    receiver.reply = lambda _: Reply(status=204)
    sending.webhooks.replay(sending.business, webhook_id, None)
    sending.send_all()
    (delivered,) = sending.deliveries(webhook_id)
    assert (delivered.state, delivered.attempts, delivered.status, delivered.problem) == ("delivered", 1, 204, None)
    assert receiver.requests[-1].headers["webhook-id"] == receiver.requests[0].headers["webhook-id"]
    assert sending.webhooks.get(sending.business, webhook_id).failing_since is None
    assert sending.counts() == {"delivered": 1, "failed": 9, "dead": 1, "failing": 0}
    sending.webhooks.replay(sending.business, webhook_id, None)
    assert not sending.sender.step(), "only dead ones are replayed together"
    sending.webhooks.replay(sending.business, webhook_id, delivered.delivery_id)
    assert sending.sender.step()


def test_failing_receiver_delays_no_other(sending: Sending, receiver: Receiver) -> None:
    failing, _ = sending.add(f"{receiver.url}/failing")
    working, _ = sending.add(f"{receiver.url}/working")
    receiver.reply = lambda received: Reply(status=500 if received.path == "/failing" else 200)
    sending.happen(sending.story.booked(), Story().booked())
    assert sorted(each.path for each in receiver.requests) == ["/failing", "/working", "/working"]
    assert {each.state for each in sending.deliveries(working)} == {"delivered"}
    assert sorted(each.attempts for each in sending.deliveries(failing)) == [0, 1]


def test_secrets_overlap_when_they_are_replaced(sending: Sending, receiver: Receiver) -> None:
    webhook_id, former = sending.add(receiver.url)
    new = sending.webhooks.rotate_secret(sending.business, webhook_id).secret
    sending.happen(sending.story.booked())
    assert is_signed(receiver.requests[0], former)
    assert is_signed(receiver.requests[0], new)
    sending.office.administer("UPDATE notifications.webhook_secret SET expires_at = now() WHERE expires_at IS NOT NULL")
    sending.webhooks.send_test(sending.business, webhook_id)
    sending.send_all()
    assert json.loads(receiver.requests[1].body)["type"] == "webhook.test"
    assert not is_signed(receiver.requests[1], former)
    assert is_signed(receiver.requests[1], new)


def test_receiver_that_is_gone_is_disabled_until_it_is_enabled(sending: Sending, receiver: Receiver) -> None:
    webhook_id, _ = sending.add(receiver.url)
    receiver.reply = lambda _: Reply(status=410)
    sending.happen(sending.story.booked())
    assert sending.webhooks.get(sending.business, webhook_id).disabled_at is not None
    sending.happen(sending.story.rescheduled())
    sending.time_passes()
    assert len(receiver.requests) == 1
    receiver.reply = lambda _: Reply()
    sending.webhooks.enable(sending.business, webhook_id)
    sending.time_passes()
    assert [each.state for each in sending.deliveries(webhook_id)] == ["delivered", "dead"]


def test_other_networks_and_other_businesses_are_out_of_reach(sending: Sending) -> None:
    with http_receiver(host="127.0.0.2") as inside:
        webhook_id, _ = sending.add(inside.url)
        sending.happen(sending.story.booked())
        assert inside.connections == 0
    (refused,) = sending.deliveries(webhook_id)
    assert refused.problem == "The host does not have a public address."
    other = BusinessRef(uuid4(), "other", "Other", "UTC", "EUR")
    for reach in (
        lambda: sending.webhooks.deliveries(other, webhook_id, DeliveriesQuery()),
        lambda: sending.webhooks.replay(other, webhook_id, refused.delivery_id),
        lambda: sending.webhooks.rotate_secret(other, webhook_id),
        lambda: sending.webhooks.delete(other, webhook_id),
    ):
        with pytest.raises(ApiError, match="no such webhook"):
            reach()
    sending.webhooks.delete(sending.business, webhook_id)
    assert sending.webhooks.of_business(sending.business) == []
    assert sending.office.administer("SELECT 1 FROM notifications.webhook_delivery") == []
