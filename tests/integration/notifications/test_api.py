"""Notification endpoints: access, preferences and the list of mails."""

from collections.abc import Iterator
from uuid import UUID

import pytest

from tests.databases import Databases
from tests.integration.events.sample_events import Story
from tests.integration.notifications.conftest import Office
from tests.site import Client, Site, auth_site

PREFERENCES = "/businesses/salon/notification-preferences"
MESSAGES = "/businesses/salon/messages"


@pytest.fixture
def site(databases: Databases, office: Office) -> Iterator[Site]:
    with auth_site(databases, endpoints=office.module.endpoints) as site:
        yield site


@pytest.fixture
def owner(site: Site) -> Client:
    client = site.client()
    assert client.sign_up("salon").status_code == 201
    site.confirm("owner@salon.example")
    return client


@pytest.fixture
def customer(site: Site, owner: Client) -> Client:
    client = site.client()
    assert client.join("salon", "cleo@example.org").status_code == 201
    return client


def salon(site: Site) -> UUID:
    business = site.auth.api.business_by_slug("salon")
    assert business is not None
    return business.business_id


def test_customer_sets_preferences(customer: Client, owner: Client) -> None:
    everything = {"confirmation": True, "change": True, "cancellation": True, "reminder": True}
    assert customer.get(PREFERENCES).json() == everything
    answer = customer.request("PUT", PREFERENCES, json={"reminder": False})
    assert (answer.status_code, answer.json()) == (200, everything | {"reminder": False})
    assert customer.get(PREFERENCES).json() == everything | {"reminder": False}
    assert owner.get(PREFERENCES).json() == everything, "each person for themselves"


def test_preferences_require_membership(site: Site, owner: Client) -> None:
    assert site.client().get(PREFERENCES).status_code == 401
    stranger = site.client()
    assert stranger.sign_up("bakery").status_code == 201
    assert stranger.get(PREFERENCES).status_code == 403
    made = owner.post("/businesses/salon/tokens", {"name": "till", "role": "staff"}).json()
    assert Client(site.url, made["secret"]).get(PREFERENCES).status_code == 403


@pytest.mark.parametrize("body", [{"reminders": False}, {"reminder": "no"}, {"reminder": 0}, {"business_id": "x"}])
def test_invalid_preferences_are_refused(customer: Client, body: dict[str, object]) -> None:
    answer = customer.request("PUT", PREFERENCES, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "invalid_request")


def test_staff_list_the_mails_of_the_business(site: Site, office: Office, owner: Client, customer: Client) -> None:
    office.hear(Story().booked())
    stories = [Story(business_id=salon(site)) for _ in range(5)]
    office.hear(*(story.booked() for story in stories))
    assert customer.get(MESSAGES).status_code == 403
    seen: list[str] = []
    cursor = None
    while True:
        page = owner.get(MESSAGES, params={"limit": 2} | ({"cursor": cursor} if cursor else {})).json()
        seen += [each["appointment_id"] for each in page["messages"]]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == [str(story.appointment.appointment_id) for story in reversed(stories)]


def test_delivery_failure_is_shown(site: Site, office: Office, owner: Client) -> None:
    office.hear(Story(business_id=salon(site)).booked())
    office.send_all()
    [mail] = owner.get(MESSAGES).json()["messages"]
    assert (mail["kind"], mail["state"], mail["attempts"]) == ("confirmation", "failed", 1)
    assert mail["problem"] == "the recipient has no e-mail address"
    assert mail["sent_at"] is None


@pytest.mark.parametrize("query", [{"cursor": "xyz"}, {"cursor": "a" * 300}, {"limit": 0}, {"limit": "many"}, {"x": 1}])
def test_invalid_query_is_refused(owner: Client, query: dict[str, str | int]) -> None:
    assert owner.get(MESSAGES, params=query).status_code == 400
