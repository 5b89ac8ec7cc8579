"""Scheduling endpoints of the JSON API over HTTP, on the engine: access, replies and errors."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import requests

from monolith.modules.scheduling.adapters.in_process import in_process_scheduling
from tests.databases import Databases
from tests.e2e.shop import ALWAYS, answered, keyed
from tests.site import Client, Site, auth_site

ROOT = "/businesses/salon"
DAY = datetime.now(UTC).date() + timedelta(days=30)
"""Noon, because the salon is in Lisbon, which may be an hour ahead of UTC."""


def noon(minutes: int = 0, days: int = 0) -> str:
    moment = datetime.combine(DAY, datetime.min.time(), UTC) + timedelta(days=days, hours=12, minutes=minutes)
    return moment.isoformat()


@pytest.fixture
def site(databases: Databases) -> Iterator[Site]:
    port = in_process_scheduling(databases.monolith_url, databases.role_secret, pool_size=4)
    with auth_site(databases, scheduling=port) as site:
        yield site


class Salon:
    """A business with one 30-minute service and one provider who always works."""

    def __init__(self, owner: Client) -> None:
        self.owner = owner
        self.provider = self.add("providers", name="Ada", zone="UTC")["provider_id"]
        self.offerings: list[str] = []
        self.offering = self.offer()

    def add(self, kind: str, /, **fields: object) -> Any:
        return answered(keyed(self.owner, f"{ROOT}/{kind}", fields))

    def put(self, path: str, /, **fields: object) -> Any:
        return answered(self.owner.request("PUT", f"{ROOT}/{path}", json=fields))

    def offer(self, **fields: object) -> str:
        """Add a service that the provider performs."""
        added: str = self.add("offerings", **({"name": "Cut", "duration_minutes": 30} | fields))["offering_id"]
        self.offerings.append(added)
        self.put(f"providers/{self.provider}/offerings", offering_ids=self.offerings)
        self.put(f"providers/{self.provider}/weekly-hours", ranges=ALWAYS)
        return added

    def slots(self, by: Client, **query: object) -> Any:
        window = {"offering_id": self.offering, "start": noon(), "end": noon(120)}
        return answered(by.get(f"{ROOT}/slots", params=window | query))


@pytest.fixture
def salon(owner: Client) -> Salon:
    return Salon(owner)


@pytest.fixture
def customer(site: Site, owner: Client) -> Client:
    return joined(site)


def joined(site: Site) -> Client:
    client = site.client()
    answered(client.join("salon", f"{uuid4().hex[:12]}@example.org"))
    return client


def post(by: Client, path: str, **fields: object) -> requests.Response:
    return keyed(by, f"{ROOT}/{path}", fields)


def refused(answer: requests.Response, status: int, code: str, **members: object) -> None:
    told = answer.json()
    assert (answer.status_code, told["code"]) == (status, code), answer.text
    assert {name: told.get(name) for name in members} == members


def test_listed_slot_is_held_confirmed_and_completed_with_history(customer: Client, salon: Salon) -> None:
    (first, *_) = salon.slots(customer)["slots"]
    held = answered(post(customer, "holds", offering_id=salon.offering, starts_at=first["starts_at"]))
    assert (held["status"], held["provider_id"]) == ("held", salon.provider)
    assert first not in salon.slots(customer)["slots"]
    at = f"appointments/{held['appointment_id']}"
    booked = answered(post(customer, f"{at}/confirm", note="at last"))
    assert (booked["status"], booked["version"], booked["note"]) == ("booked", 2, "at last")
    refused(post(customer, f"{at}/complete"), 403, "forbidden")
    refused(post(salon.owner, f"{at}/complete"), 409, "invalid_transition")
    changes = answered(customer.get(f"{ROOT}/{at}/history"))["changes"]
    assert [each["operation"] for each in changes] == ["hold", "confirm"]
    assert changes[1]["before"]["status"] == "held"


def test_request_waits_for_approval_by_staff(customer: Client, salon: Salon) -> None:
    offering = salon.offer(requires_approval=True)
    asked = [answered(post(customer, "appointments", offering_id=offering, starts_at=noon(m))) for m in (0, 30)]
    first, second = (f"appointments/{each['appointment_id']}" for each in asked)
    assert {each["status"] for each in asked} == {"pending"}
    refused(post(customer, f"{first}/approve"), 403, "forbidden")
    assert answered(post(salon.owner, f"{first}/approve"))["status"] == "booked"
    declined = answered(post(salon.owner, f"{second}/decline", reason="we are closed"))
    assert (declined["status"], declined["cancel_reason"]) == ("declined", "we are closed")
    refused(post(salon.owner, f"{second}/approve"), 409, "invalid_transition")


def test_staff_may_override_the_policy(customer: Client, salon: Salon) -> None:
    strict = salon.offer(cancel_cutoff_minutes=60 * 24 * 60, policy={"inside_cutoff": "refuse"})
    booked = answered(post(customer, "appointments", offering_id=strict, starts_at=noon()))
    at = f"appointments/{booked['appointment_id']}"
    refused(post(customer, f"{at}/cancel"), 409, "policy_refused", reason="cutoff")
    move = {"starts_at": noon(60), "expected_version": 1}
    refused(post(customer, f"{at}/reschedule", **move), 409, "policy_refused", reason="cutoff")
    assert answered(post(salon.owner, f"{at}/cancel", reason="ill"))["fee_percent"] == 0


def test_only_staff_can_overbook(customer: Client, salon: Salon) -> None:
    wanted = {"offering_id": salon.offering, "provider_id": salon.provider, "starts_at": noon()}
    answered(post(customer, "appointments", **wanted))
    refused(post(customer, "appointments", **wanted), 409, "slot_unavailable", reason="taken")
    refused(post(customer, "appointments", **wanted, overbook=True), 403, "forbidden")
    second = post(salon.owner, "appointments", **wanted, overbook=True, customer_id=user_id(salon.owner))
    assert answered(second)["overbooked"] is True


def user_id(client: Client) -> str:
    found: str = client.get("/me").json()["user"]["user_id"]
    return found


@pytest.mark.parametrize("kind", ["appointments", "holds", "waitlist"])
def test_staff_book_only_for_customers_of_their_own_business(site: Site, salon: Salon, kind: str) -> None:
    cleo, baker, visitor = site.client(), site.client(), site.client()
    answered(cleo.join("salon", "cleo@example.org"))
    answered(baker.sign_up("bakery"))
    answered(visitor.join("bakery", "bea@example.org"))
    guest = answered(keyed(baker, "/businesses/bakery/guests", {"name": "Gus", "phone": "030 1234"}))["customer_id"]
    wanted = {"offering_id": salon.offering}
    wanted |= {"start": noon(), "end": noon(60)} if kind == "waitlist" else {"starts_at": noon()}
    for stranger in (user_id(visitor), user_id(baker), guest, str(uuid4())):
        refused(post(salon.owner, kind, **wanted, customer_id=stranger), 404, "customer_not_found", field="customer_id")
    answered(post(salon.owner, kind, **wanted, customer_id=user_id(cleo)))


def test_customer_cannot_book_for_another_customer(customer: Client, salon: Salon) -> None:
    other = {"offering_id": salon.offering, "starts_at": noon(), "customer_id": str(uuid4())}
    refused(post(customer, "appointments", **other), 403, "forbidden")
    refused(post(customer, "holds", **other), 403, "forbidden")


def test_date_overrides_holidays_and_blocked_time(site: Site, customer: Client, salon: Salon) -> None:
    anybody = site.client()
    day = DAY.isoformat()
    at = f"providers/{salon.provider}/overrides"
    salon.put(f"{at}/{day}", mode="close")
    assert salon.slots(anybody)["slots"] == []
    listed = answered(salon.owner.get(f"{ROOT}/{at}", params={"first": day, "last": day}))["overrides"]
    assert [(each["date"], each["mode"]) for each in listed] == [(day, "close")]
    refused(customer.get(f"{ROOT}/{at}", params={"first": day, "last": day}), 403, "forbidden")
    salon.put(f"{at}/{day}", mode="regular")
    salon.put("holidays", holidays=[{"date": day, "name": "Founders' day"}])
    assert salon.slots(anybody)["slots"] == []
    assert answered(anybody.get(f"{ROOT}/holidays"))["holidays"] == [{"date": day, "name": "Founders' day"}]
    salon.put("holidays", holidays=[])
    block = salon.add("blocks", start=noon(), end=noon(60), reason="a talk")
    assert [slot["starts_at"][11:16] for slot in salon.slots(anybody)["slots"]] == ["13:00", "13:30"]
    window = {"start": noon(), "end": noon(60)}
    assert answered(salon.owner.get(f"{ROOT}/blocks", params=window))["blocks"] == [block]
    answered(post(salon.owner, f"blocks/{block['block_id']}/remove"))
    assert len(salon.slots(anybody)["slots"]) == 4
    refused(post(salon.owner, f"blocks/{block['block_id']}/remove"), 404, "block_not_found")


def test_booking_reserves_the_room_and_the_provider(customer: Client, salon: Salon) -> None:
    offering = salon.offer(needs=[{"kind": "room"}])
    wanted = {"offering_id": offering, "starts_at": noon()}
    refused(post(customer, "appointments", **wanted), 409, "slot_unavailable", reason="no_resource")
    room = salon.add("resources", name="Room 1", kind="room")["resource_id"]
    assert answered(post(customer, "appointments", **wanted))["resource_ids"] == [room]
    salon.put(f"resources/{room}", name="Room 1", kind="room", active=False)
    assert [each["active"] for each in answered(salon.owner.get(f"{ROOT}/resources"))["resources"]] == [False]
    unknown = salon.owner.request("PUT", f"{ROOT}/resources/{uuid4()}", json={"name": "X", "kind": "room"})
    refused(unknown, 404, "resource_not_found")


def test_other_search_operations(site: Site, salon: Salon) -> None:
    anybody = site.client()
    found = salon.slots(anybody, provider_ids=f"{salon.provider}", by_day="true", viewer_zone="Asia/Tokyo")
    assert (found["zone"], found["slots"]) == ("Asia/Tokyo", [])
    assert [(day["date"], len(day["slots"])) for day in found["days"]] == [(DAY.isoformat(), 4)]
    asked = {"offering_id": salon.offering}
    following = answered(anybody.get(f"{ROOT}/slots/next", params=asked | {"after": noon(10), "limit": 2}))
    assert [slot["starts_at"][11:16] for slot in following["slots"]] == ["12:30", "13:00"]
    overview = answered(anybody.get(f"{ROOT}/overview", params=asked | {"first": DAY.isoformat(), "days": 2}))
    assert [day["has_room"] for day in overview["days"]] == [True, True]
    visits = {"offering_ids": f"{salon.offering},{salon.offering}", "start": noon(), "end": noon(60)}
    assert answered(anybody.get(f"{ROOT}/visits/slots", params=visits))["slots"][0]["ends_at"][11:16] == "13:00"
    refused(
        anybody.get(f"{ROOT}/visits/slots", params=visits | {"offering_ids": salon.offering}), 400, "invalid_request"
    )


def test_series_is_booked_rescheduled_and_cancelled(site: Site, customer: Client, salon: Salon) -> None:
    weekly = {"every": "week", "count": 3}
    wanted = {"offering_id": salon.offering, "provider_id": salon.provider, "starts_at": noon(), "recurrence": weekly}
    series = answered(post(customer, "series", **wanted))
    at, ids = f"series/{series['series_id']}", [each["appointment_id"] for each in series["appointments"]]
    assert answered(customer.get(f"{ROOT}/{at}"))["appointments"] == series["appointments"]
    refused(joined(site).get(f"{ROOT}/{at}"), 404, "series_not_found")
    moved = answered(post(customer, f"{at}/reschedule", from_appointment_id=ids[1], starts_at=noon(60, days=7)))
    assert [each["starts_at"][11:16] for each in moved["appointments"]] == ["13:00", "13:00"]
    cancelled = answered(post(customer, f"{at}/cancel", from_appointment_id=ids[2]))
    assert [each["status"] for each in cancelled["appointments"]] == ["cancelled"]


def test_visit_with_several_services(customer: Client, salon: Salon) -> None:
    wash = salon.offer(name="Wash", duration_minutes=15)
    items = [{"offering_id": wash}, {"offering_id": salon.offering}]
    visit = answered(post(customer, "visits", starts_at=noon(), items=items))
    assert [each["starts_at"][11:16] for each in visit["appointments"]] == ["12:00", "12:15"]
    assert {each["visit_id"] for each in visit["appointments"]} == {visit["visit_id"]}


def test_freed_slot_is_offered_to_the_waitlist(site: Site, customer: Client, salon: Salon) -> None:
    taken = answered(post(customer, "appointments", offering_id=salon.offering, starts_at=noon()))
    waiting = joined(site)
    entry = answered(post(waiting, "waitlist", offering_id=salon.offering, start=noon(), end=noon(30)))
    assert entry["status"] == "waiting"
    assert answered(customer.get(f"{ROOT}/waitlist"))["entries"] == []
    answered(post(customer, f"appointments/{taken['appointment_id']}/cancel"))
    (offered,) = answered(waiting.get(f"{ROOT}/waitlist"))["entries"]
    assert offered["status"] == "offered"
    at = f"waitlist/{entry['entry_id']}/leave"
    refused(post(customer, at), 404, "waitlist_entry_not_found")
    assert answered(post(waiting, f"appointments/{offered['appointment_id']}/confirm"))["status"] == "booked"
    refused(post(waiting, at), 409, "invalid_transition")


@pytest.mark.parametrize("path", ["holds", "series", "visits", "waitlist", "appointments"])
def test_anonymous_caller_must_sign_in(site: Site, salon: Salon, path: str) -> None:
    refused(post(site.client(), path), 401, "unauthenticated")
    rival = site.client()
    answered(rival.sign_up("rival"))
    refused(post(rival, path), 403, "forbidden")


@pytest.mark.parametrize("path", ["business", "settle"])
def test_internal_operations_are_not_exposed(salon: Salon, path: str) -> None:
    assert post(salon.owner, path).status_code == 404


def test_write_without_fields_needs_no_body(site: Site, customer: Client, salon: Salon) -> None:
    root = f"{site.url}/api/v1{ROOT}/appointments"
    booked = answered(post(customer, "appointments", offering_id=salon.offering, starts_at=noon()))["appointment_id"]
    key = {"Idempotency-Key": uuid4().hex}
    answer = customer.session.post(f"{root}/{booked}/cancel", headers=key, timeout=30)
    assert answered(answer)["status"] == "cancelled"
    refused(customer.session.post(root, headers=key, timeout=30), 400, "invalid_request", field="offering_id")
    document = answered(customer.get("/openapi.json"))["paths"]
    at = "/businesses/{slug}/appointments"
    bodies = (document[f"{at}/{{appointment_id}}/cancel"], document[at])
    assert [each["post"]["requestBody"]["required"] for each in bodies] == [False, True]


@pytest.mark.parametrize(
    "query, hint",
    [
        ("by_day=yes", "Send `true` or `false`."),
        ("start=2030-01-01T10:00:00+01:00", "write it as `%2B`."),
        ("seats=1&seats=2", "it has one value."),
    ],
)
def test_refused_query_says_how_to_write_the_value(salon: Salon, query: str, hint: str) -> None:
    window = urlencode({"end": noon(120)} if query.startswith("start") else {"start": noon(), "end": noon(120)})
    answer = salon.owner.get(f"{ROOT}/slots?offering_id={salon.offering}&{window}&{query}")
    refused(answer, 400, "invalid_request", field=query.partition("=")[0])
    assert answer.json()["detail"].endswith(hint)
