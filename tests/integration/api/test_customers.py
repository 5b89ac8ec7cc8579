"""Customers of a business over HTTP: with and without an account, contact, notes, and their names in appointments."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from monolith.modules.auth.customer_models import AddGuest
from monolith.modules.scheduling.adapters.in_process import in_process_scheduling
from monolith.shared.endpoints import ApiError
from tests.databases import Databases
from tests.e2e.shop import ALWAYS, answered, keyed
from tests.integration.api.test_scheduling import ROOT, noon, refused
from tests.site import Client, Site, auth_site


@pytest.fixture
def site(databases: Databases) -> Iterator[Site]:
    port = in_process_scheduling(databases.monolith_url, databases.role_secret, pool_size=4)
    with auth_site(databases, scheduling=port) as site:
        yield site


def add_guest(owner: Client, **fields: object) -> dict[str, object]:
    added: dict[str, object] = answered(keyed(owner, f"{ROOT}/guests", {"name": "Wanda Walk-in"} | fields))
    return added


def patch(owner: Client, path: str, **fields: object) -> object:
    return answered(owner.request("PATCH", f"{ROOT}/{path}".rstrip("/"), json=fields))


def business_of(site: Site, slug: str = "salon") -> UUID:
    business = site.auth.api.business_by_slug(slug)
    assert business is not None
    return business.business_id


def test_contact_of_a_guest_is_for_its_business_only(site: Site, owner: Client) -> None:
    guest = UUID(str(add_guest(owner, email="gerda@example.org")["customer_id"]))
    answered(site.client().sign_up("bakery"))
    own, other = (business_of(site), guest), (business_of(site, "bakery"), guest)
    assert list(site.auth.api.contacts([other, own])) == [own]


def test_guest_has_a_language_for_mails(site: Site, owner: Client) -> None:
    unknown, german = add_guest(owner), add_guest(owner, name="Gerda", email="gerda@example.org", language="de")
    assert (unknown["language"], german["language"]) == (None, "de")
    path = f"customers/{german['customer_id']}"
    patch(owner, path, phone="0123")
    (contact,) = site.auth.api.contacts([(business_of(site), UUID(str(german["customer_id"])))]).values()
    assert contact.language == "de", "a change of another field keeps it"
    patch(owner, path, language=None)
    assert answered(owner.get(f"{ROOT}/{path}"))["language"] is None
    refused(owner.request("PATCH", f"{ROOT}/{path}", json={"language": "fr"}), 400, "invalid_request")


def test_staff_see_whether_an_address_is_confirmed(site: Site, owner: Client) -> None:
    path = f"{ROOT}/customers/{answered(site.client().join('salon', 'cleo@example.org'))['user_id']}"
    assert answered(owner.get(path))["email_confirmed"] is False
    site.confirm("cleo@example.org")
    assert answered(owner.get(path))["email_confirmed"] is True


def test_staff_list_search_and_annotate_customers(site: Site, owner: Client) -> None:
    cleo = answered(site.client().join("salon", "cleo@example.org"))["user_id"]
    wanda = add_guest(owner, phone="+351 21 000 00 00")
    assert (wanda["has_account"], wanda["email"]) == (False, None)
    listed = answered(owner.get(f"{ROOT}/customers"))["customers"]
    assert {each["name"]: each["has_account"] for each in listed} == {"Cleo Customer": True, "Wanda Walk-in": False}
    first = answered(owner.get(f"{ROOT}/customers", params={"limit": 1}))
    second = answered(owner.get(f"{ROOT}/customers", params={"limit": 1, "cursor": first["next_cursor"]}))
    assert [each["customers"][0]["name"] for each in (first, second)] == ["Cleo Customer", "Wanda Walk-in"]
    assert second["next_cursor"] is None
    searches = {"WALK": ["Wanda Walk-in"], "cleo@": ["Cleo Customer"], "21 000": ["Wanda Walk-in"], "%": []}
    for search, found in searches.items():
        page = answered(owner.get(f"{ROOT}/customers", params={"search": search}))
        assert [each["name"] for each in page["customers"]] == found, search
    patch(owner, f"customers/{cleo}", phone="0123", note="Prefers mornings")
    patch(owner, f"customers/{wanda['customer_id']}", name="Wanda Now", email="wanda@example.org")
    after = [answered(owner.get(f"{ROOT}/customers/{each}")) for each in (cleo, wanda["customer_id"])]
    assert [(each["name"], each["phone"], each["note"]) for each in after] == [
        ("Cleo Customer", "0123", "Prefers mornings"),
        ("Wanda Now", "+351 21 000 00 00", ""),
    ]
    ids = [UUID(cleo), UUID(str(wanda["customer_id"])), uuid4()]
    mails = site.auth.api.contacts([(business_of(site), each) for each in ids])
    assert sorted((each.name, each.email) for each in mails.values()) == [
        ("Cleo Customer", "cleo@example.org"),
        ("Wanda Now", "wanda@example.org"),
    ]
    for field in ({"name": "Not Cleo"}, {"language": "de"}):
        refused(owner.request("PATCH", f"{ROOT}/customers/{cleo}", json=field), 409, "customer_has_account")
    refused(owner.get(f"{ROOT}/customers/{uuid4()}"), 404, "not_found")


def test_a_guest_is_added_once_per_key(owner: Client) -> None:
    key = {"Idempotency-Key": "guest-1"}
    first, again = (answered(owner.post(f"{ROOT}/guests", {"name": "Gus"}, headers=key)) for _ in range(2))
    assert first == again
    refused(owner.post(f"{ROOT}/guests", {"name": "Gail"}, headers=key), 422, "idempotency_key_reused")


def test_customers_are_seen_by_the_staff_of_their_business_only(site: Site, owner: Client) -> None:
    wanda = add_guest(owner)["customer_id"]
    customer, other = site.client(), site.client()
    answered(customer.join("salon", "cleo@example.org"))
    other.sign_up("barber", "other@example.org")
    for stranger in (customer, other, site.client()):
        assert stranger.get(f"{ROOT}/customers").status_code in (401, 403)
        assert stranger.get(f"{ROOT}/customers/{wanda}").status_code in (401, 403)
    refused(other.get(f"/businesses/barber/customers/{wanda}"), 404, "not_found")


def test_business_is_bookable_after_the_eight_calls_of_the_document(site: Site) -> None:
    owner = site.client()
    assert owner.sign_up("salon").status_code == 201
    offering = answered(keyed(owner, f"{ROOT}/offerings", {"name": "Cut", "duration_minutes": 30}))["offering_id"]
    provider = answered(keyed(owner, f"{ROOT}/providers", {"name": "Ada", "zone": "UTC"}))["provider_id"]
    at = f"{ROOT}/providers/{provider}"
    answered(owner.request("PUT", f"{at}/offerings", json={"offering_ids": [offering]}))
    answered(owner.request("PUT", f"{at}/weekly-hours", json={"ranges": ALWAYS}))
    guest = add_guest(owner)["customer_id"]
    window = {"offering_id": offering, "start": noon(), "end": noon(60)}
    start = answered(owner.get(f"{ROOT}/slots", params=window))["slots"][0]["starts_at"]
    wanted = {"offering_id": offering, "starts_at": start}
    refused(keyed(owner, f"{ROOT}/appointments", wanted), 400, "invalid_request", field="customer_id")
    booked = answered(keyed(owner, f"{ROOT}/appointments", wanted | {"customer_id": guest}))

    one = answered(owner.get(f"{ROOT}/appointments/{booked['appointment_id']}"))
    page = answered(owner.get(f"{ROOT}/appointments?statuses=booked&statuses=held"))["appointments"]
    agenda = answered(owner.get(f"{at}/agenda", params={"start": noon(), "end": noon(60)}))["appointments"]
    assert {each["customer_name"] for each in (one, *page, *agenda)} == {"Wanda Walk-in"}
    assert answered(owner.get(f"{ROOT}/offerings/{offering}"))["name"] == "Cut"
    assert answered(site.client().get(at))["weekly_hours"][0]["weekday"] == 1
    refused(owner.get(f"{ROOT}/providers/{uuid4()}"), 404, "provider_not_found")


def test_patch_changes_only_what_is_sent(owner: Client) -> None:
    made = answered(keyed(owner, f"{ROOT}/offerings", {"name": "Cut", "duration_minutes": 30, "capacity": 4}))
    at = f"offerings/{made['offering_id']}"
    assert patch(owner, at, name="Long cut") == made | {"name": "Long cut"}
    assert patch(owner, at, active=False) == made | {"name": "Long cut", "active": False}
    refused(owner.request("PATCH", f"{ROOT}/{at}", json={"capacity": 0}), 400, "invalid_request", field="capacity")
    refused(owner.request("PATCH", f"{ROOT}/{at}", json={"step": 5}), 400, "invalid_request", field="step")


def test_owner_changes_and_closes_the_business(site: Site, owner: Client) -> None:
    changed = patch(owner, "", name="Studio", zone="Asia/Tokyo", phone="0123", picture_url="https://example.org/a.png")
    assert answered(site.client().get(ROOT)) == changed
    assert (changed["name"], changed["zone"], changed["phone"]) == ("Studio", "Asia/Tokyo", "0123")  # type: ignore[index]
    assert patch(owner, "", phone="")["picture_url"] == "https://example.org/a.png"  # type: ignore[index]
    for field, bad in {"zone": "Mars/Base", "picture_url": "http://x", "email": "nobody"}.items():
        refused(owner.request("PATCH", ROOT, json={field: bad}), 400, "invalid_request", field=field)
    offering = answered(keyed(owner, f"{ROOT}/offerings", {"name": "Cut", "duration_minutes": 30}))["offering_id"]
    guest = add_guest(owner)["customer_id"]
    wanted = {"offering_id": offering, "customer_id": guest, "starts_at": noon()}
    assert answered(owner.post(f"{ROOT}/close"))["is_closed"] is True
    refused(keyed(owner, f"{ROOT}/appointments", wanted), 409, "business_closed")
    assert answered(owner.post(f"{ROOT}/reopen"))["is_closed"] is False
    refused(keyed(owner, f"{ROOT}/appointments", wanted), 409, "slot_unavailable", reason="not_offered")


def test_guests_who_book_change_only_what_their_own_form_entered(site: Site, owner: Client) -> None:
    """The stored proof is compared with that of the form; guests of staff have none."""
    business_id = business_of(site)
    register, walk_in, own = site.auth.customers.register_guest, UUID(str(add_guest(owner)["customer_id"])), uuid4()
    stranger = AddGuest(name="Sam Stranger", email="sam@example.org")
    register(business_id, own, AddGuest(name="Gil Guest", email="gil@example.org"), "form-of-gil", 1)
    for customer_id, proof in ((walk_in, "form-of-sam"), (own, "form-of-sam")):
        with pytest.raises(ApiError) as refusal:
            register(business_id, customer_id, stranger, proof, 1)
        assert refusal.value.status == 409
        assert not site.auth.customers.is_registered_by(business_id, customer_id, proof)
    register(business_id, own, AddGuest(name="Gil Guest", email="gil.guest@example.org"), "form-of-gil", 1)
    listed = answered(owner.get(f"{ROOT}/customers"))["customers"]
    assert [(each["name"], each["email"]) for each in listed] == [
        ("Gil Guest", "gil.guest@example.org"),
        ("Wanda Walk-in", None),
    ]
