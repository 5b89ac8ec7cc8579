"""Sign-up of a business in two databases: once, even after failures."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.databases import Databases
from tests.site import Client, Site, auth_site, sign_up_body

UNREACHABLE = "postgresql://127.0.0.1:1/monolith"


def test_sign_up_opens_the_business_in_both_databases_and_signs_the_owner_in(site: Site) -> None:
    client = site.client()
    answer = client.sign_up("salon", "Owner@Salon.Example")
    assert answer.status_code == 201
    business = answer.json()["business"]
    assert (business["slug"], business["zone"], business["currency"]) == ("salon", "Europe/Lisbon", "EUR")
    assert answer.json()["user"]["email"] == "owner@salon.example"
    assert site.sql("SELECT state FROM auth.business") == [("open",)]
    opened = site.sql("SELECT business_id::text, name, zone FROM scheduling.business")
    assert opened == [(business["business_id"], "The salon", "Europe/Lisbon")]
    me = client.get("/me").json()
    assert [(m["business"]["slug"], m["role"]) for m in me["memberships"]] == [("salon", "owner")]


def test_business_profile_is_public(site: Site, owner: Client) -> None:
    answer = site.client().get("/businesses/salon")
    assert answer.status_code == 200
    public = {"business_id", "slug", "name", "zone", "currency", "is_closed"}
    details = {"email", "phone", "address", "opening_hours", "picture_url", "description"}
    details |= {"fixed_zone", "embedding_sites", "language"}
    assert set(answer.json()) == public | details
    assert site.client().get("/businesses/nobody").json()["code"] == "business_not_found"


def test_taken_slug_is_refused_without_side_effects(site: Site, owner: Client) -> None:
    answer = site.client().sign_up("salon", "other@example.org")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, "slug_taken", "slug")
    assert site.sql("SELECT email FROM auth.account") == [("owner@salon.example",)]


def test_existing_account_can_open_a_second_business(site: Site, owner: Client) -> None:
    client = site.client()
    assert client.sign_up("bakery", "owner@salon.example").status_code == 201
    slugs = [m["business"]["slug"] for m in client.get("/me").json()["memberships"]]
    assert slugs == ["bakery", "salon"]
    assert site.sql("SELECT count(*) FROM auth.account") == [(1,)]


def test_sign_up_with_a_known_address_and_another_password_is_another_account(site: Site, owner: Client) -> None:
    stranger = site.client()
    assert stranger.sign_up("bakery", "owner@salon.example", password="not the password").status_code == 201
    assert [m["business"]["slug"] for m in stranger.get("/me").json()["memberships"]] == ["bakery"]
    assert [m["business"]["slug"] for m in owner.get("/me").json()["memberships"]] == ["salon"]


def test_same_key_and_body_have_one_effect(site: Site) -> None:
    first = site.client().sign_up("salon", key="k1")
    again = site.client().sign_up("salon", key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert site.sql("SELECT count(*) FROM auth.business") == [(1,)]


def test_same_key_with_another_body_is_refused(site: Site) -> None:
    assert site.client().sign_up("salon", "o@example.org", key="k1").status_code == 201
    answer = site.client().sign_up("bakery", "o@example.org", key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_same_key_with_another_password_is_refused(site: Site) -> None:
    assert site.client().sign_up("salon", key="k1").status_code == 201
    answer = site.client().sign_up("salon", key="k1", password="guessed the key")
    assert answer.status_code == 422
    assert "Set-Cookie" not in answer.headers


def test_concurrent_identical_sign_ups_create_one_business(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.client().sign_up("salon", key="k1"), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["business"]["business_id"] for answer in answers}) == 1
    assert site.sql("SELECT count(*) FROM auth.account") == [(1,)]


def test_concurrent_sign_ups_for_one_slug_have_one_winner(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: site.client().sign_up("salon", f"o{n}@example.org"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


def test_retry_finishes_a_sign_up_after_an_outage_of_scheduling(databases: Databases) -> None:
    with auth_site(databases, scheduling_url=UNREACHABLE) as site:
        answer = site.client().sign_up("salon", key="k1")
        assert (answer.status_code, answer.json()["code"]) == (503, "set_up_unfinished")
        assert "finishes automatically" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) >= 1
        assert site.sql("SELECT state FROM auth.business") == [("opening",)]
    with auth_site(databases) as site:
        assert site.client().sign_up("salon", key="k1").status_code == 201
        assert site.sql("SELECT state FROM auth.business") == [("open",)]


def test_worker_finishes_pending_sign_ups(databases: Databases) -> None:
    with auth_site(databases, scheduling_url=UNREACHABLE) as site:
        site.client().sign_up("salon")
        assert site.auth.api.businesses_opening(timedelta(minutes=5)) == []
        [business] = site.auth.api.businesses_opening(timedelta(0))
        assert business.slug == "salon"
        site.auth.api.mark_open(business.business_id)
        site.auth.api.mark_open(business.business_id)
        assert site.auth.api.businesses_opening(timedelta(0)) == []


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("slug", "No Spaces"),
        ("slug", "ab"),
        ("slug", "salon\n"),
        ("slug", "---"),
        ("slug", "a--salon"),
        ("slug", "salon-"),
        ("zone", "Mars/Olympus"),
        ("currency", "EURO"),
        ("currency", "ABC"),
        ("email", "no address"),
        ("email", "a@b\r\nBcc: c@d"),
        ("email", 'a"@b.example'),
        ("password", "too short"),
        ("name", ""),
        ("name", "two\nlines"),
        ("business_name", "x" * 81),
    ],
)
def test_invalid_field_is_named(site: Site, field: str, value: str) -> None:
    body = sign_up_body("salon", "o@example.org") | {field: value}
    answer = site.client().post("/signup", body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_request", field)


def test_sign_up_requires_a_key(site: Site) -> None:
    answer = site.client().post("/signup", sign_up_body("salon", "o@example.org"))
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
