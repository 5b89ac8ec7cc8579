"""Mails to customers without an account: they wait for a confirmed owner, and addresses are limited per business."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from monolith.modules.auth.throttle import GUEST_OF_BUSINESS
from monolith.modules.notifications.module import build_notifications
from monolith.modules.notifications.sender import Sender
from monolith.modules.notifications.smtp import MailServer
from monolith.shared.database import ModuleDatabase
from tests.databases import Databases
from tests.integration.auth.post import Post
from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import SENDER, Mailbox
from tests.site import Client, Site

STRANGER = "stranger@example.org"
GUESTS = "/businesses/salon/guests"


def add_guest(owner: Client, **fields: object) -> tuple[int, str]:
    answer = owner.post(GUESTS, {"name": "Win a prize"} | fields, headers={"Idempotency-Key": uuid4().hex})
    return answer.status_code, answer.json().get("customer_id", answer.json().get("code"))


class Worker:
    """The part of the worker that queues and sends the mails about appointments."""

    def __init__(self, site: Site, databases: Databases, mailbox: Mailbox) -> None:
        url, secret = databases.monolith_url, databases.role_secret
        self._app = ModuleDatabase(url, role="notifications_app", secret=secret)
        self._sending = ModuleDatabase(url, role="notifications_sender", secret=secret)
        (self._consumer,) = build_notifications(self._app).consumers
        self._sender = Sender(self._sending, site.auth.api, MailServer(mailbox.url), SENDER)

    def booked(self, business_id: UUID, customer_id: str) -> None:
        event = Story(business_id=business_id, customer_id=UUID(customer_id)).booked()
        with self._app.transaction(business_id) as connection:
            self._consumer.handle([event], connection)

    def send_all(self) -> None:
        while self._sender.step():
            pass

    def close(self) -> None:
        self._app.close()
        self._sending.close()


@pytest.fixture
def worker(site: Site, databases: Databases, mailbox: Mailbox) -> Iterator[Worker]:
    worker = Worker(site, databases, mailbox)
    yield worker
    worker.close()


def states(site: Site) -> list[str]:
    return [state for (state,) in site.sql("SELECT state FROM notifications.message ORDER BY message_id")]


def test_mails_to_guests_of_an_unconfirmed_business_are_held_until_its_owner_confirms(
    site: Site, worker: Worker, post: Post
) -> None:
    relay, salon = site.client(), site.client()
    business = UUID(relay.sign_up("salon").json()["business"]["business_id"])
    salon.sign_up("other")
    _, guest = add_guest(relay, email=STRANGER)
    unconfirmed = site.client().join("salon", "cleo@example.org").json()["user_id"]
    for customer in (guest, unconfirmed):
        worker.booked(business, customer)
    worker.send_all()
    assert states(site) == ["held", "held"]
    assert site.auth.api.customers_with_email(business, STRANGER, 10) == {}, "no lost link is sent either"
    site.confirm("owner@other.example")
    post.deliver()
    worker.send_all()
    assert states(site) == ["held", "held"], "the owner of another business has confirmed"

    site.confirm("owner@salon.example")
    post.deliver()
    worker.send_all()
    assert states(site) == ["sent", "held"], "the other customer has not confirmed"
    assert [str(mail["To"]) for mail in post.mailbox.mails if "Booked" in str(mail["Subject"])] == [
        f"Win a prize <{STRANGER}>"
    ]
    assert list(site.auth.api.customers_with_email(business, STRANGER, 10)) == [UUID(guest)]


def test_mails_to_guests_of_a_business_whose_owner_never_confirms_are_not_sent(
    site: Site, worker: Worker, post: Post
) -> None:
    relay = site.client()
    business = UUID(relay.sign_up("salon").json()["business"]["business_id"])
    _, guest = add_guest(relay, email=STRANGER)
    site.sql("UPDATE auth.account SET unconfirmed_email = NULL, password_hash = '!'")
    worker.booked(business, guest)
    worker.send_all()
    assert states(site) == ["held"], "as if the account had ended after a week"


def test_addresses_of_guests_that_staff_enter_are_limited_per_business(site: Site, owner: Client) -> None:
    assert add_guest(owner, email=STRANGER)[0] == 201
    _, nameless = add_guest(owner)
    spent = f"spent_until + interval '{(GUEST_OF_BUSINESS.burst - 2) * GUEST_OF_BUSINESS.seconds} seconds'"
    site.sql(f"UPDATE auth.throttle SET spent_until = {spent} WHERE kind = '{GUEST_OF_BUSINESS.kind}'")
    assert add_guest(owner, email="last@example.org")[0] == 201
    assert add_guest(owner, email="one-more@example.org") == (429, "too_many_attempts")
    change = owner.request("PATCH", f"/businesses/salon/customers/{nameless}", json={"email": STRANGER})
    assert (change.status_code, change.json()["code"]) == (429, "too_many_attempts")
    assert add_guest(owner)[0] == 201, "without an address"
    other = owner.request("PATCH", f"/businesses/salon/customers/{nameless}", json={"phone": "0123"})
    assert other.status_code == 200, "another field"
