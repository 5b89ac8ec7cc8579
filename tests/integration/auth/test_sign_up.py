"""A business signs up: in two stores, once, whatever happens on the way."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from tests.databases import Databases
from tests.site import Client, Site, auth_site, sign_up_body

UNREACHABLE = "postgresql://127.0.0.1:1/monolith"


def test_a_business_is_open_in_both_stores_and_its_owner_signed_in(site: Site) -> None:
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


def test_everybody_may_read_a_business(site: Site, owner: Client) -> None:
    answer = site.client().get("/businesses/salon")
    assert answer.status_code == 200
    assert set(answer.json()) == {"business_id", "slug", "name", "zone", "currency"}
    assert site.client().get("/businesses/nobody").json()["code"] == "business_not_found"


def test_a_taken_slug_is_refused_and_leaves_nothing_behind(site: Site, owner: Client) -> None:
    answer = site.client().sign_up("salon", "other@example.org")
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (409, "slug_taken", "slug")
    assert site.sql("SELECT email FROM auth.account") == [("owner@salon.example",)]


def test_somebody_with_an_account_opens_a_second_business_with_their_password(site: Site, owner: Client) -> None:
    client = site.client()
    assert client.sign_up("bakery", "owner@salon.example").status_code == 201
    slugs = [m["business"]["slug"] for m in client.get("/me").json()["memberships"]]
    assert slugs == ["bakery", "salon"]
    assert site.sql("SELECT count(*) FROM auth.account") == [(1,)]


def test_another_persons_address_is_refused(site: Site, owner: Client) -> None:
    answer = site.client().sign_up("bakery", "owner@salon.example", password="not the password")
    assert (answer.status_code, answer.json()["code"]) == (409, "account_refused")
    assert "Set-Cookie" not in answer.headers
    assert site.sql("SELECT slug FROM auth.business") == [("salon",)]


def test_the_same_key_and_body_have_one_effect(site: Site) -> None:
    first = site.client().sign_up("salon", key="k1")
    again = site.client().sign_up("salon", key="k1")
    assert (first.status_code, again.status_code) == (201, 201)
    assert first.json() == again.json()
    assert site.sql("SELECT count(*) FROM auth.business") == [(1,)]


def test_the_same_key_with_another_body_is_refused(site: Site) -> None:
    assert site.client().sign_up("salon", "o@example.org", key="k1").status_code == 201
    answer = site.client().sign_up("bakery", "o@example.org", key="k1")
    assert (answer.status_code, answer.json()["code"]) == (422, "idempotency_key_reused")


def test_the_same_key_with_another_password_is_not_signed_in(site: Site) -> None:
    assert site.client().sign_up("salon", key="k1").status_code == 201
    answer = site.client().sign_up("salon", key="k1", password="guessed the key")
    assert answer.status_code == 409
    assert "Set-Cookie" not in answer.headers


def test_one_sign_up_made_many_times_at_once_makes_one_business(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: site.client().sign_up("salon", key="k1"), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.json()["business"]["business_id"] for answer in answers}) == 1
    assert site.sql("SELECT count(*) FROM auth.account") == [(1,)]


def test_one_slug_wanted_by_many_at_once_goes_to_one(site: Site) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda n: site.client().sign_up("salon", f"o{n}@example.org"), range(8)))
    assert sorted(answer.status_code for answer in answers) == [201] + [409] * 7


def test_while_scheduling_is_away_the_business_waits_and_the_same_sign_up_finishes_it(databases: Databases) -> None:
    with auth_site(databases, scheduling_url=UNREACHABLE) as site:
        answer = site.client().sign_up("salon", key="k1")
        assert (answer.status_code, answer.json()["code"]) == (503, "set_up_unfinished")
        assert "finishes automatically" in answer.json()["detail"]
        assert int(answer.headers["Retry-After"]) >= 1
        assert site.sql("SELECT state FROM auth.business") == [("opening",)]
    with auth_site(databases) as site:
        assert site.client().sign_up("salon", key="k1").status_code == 201
        assert site.sql("SELECT state FROM auth.business") == [("open",)]


def test_the_worker_finishes_what_a_request_could_not(databases: Databases) -> None:
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
def test_a_field_that_is_wrong_is_named(site: Site, field: str, value: str) -> None:
    body = sign_up_body("salon", "o@example.org") | {field: value}
    answer = site.client().post("/signup", body, headers={"Idempotency-Key": "k1"})
    assert (answer.status_code, answer.json()["code"], answer.json()["field"]) == (400, "invalid_request", field)


def test_a_sign_up_needs_a_key(site: Site) -> None:
    answer = site.client().post("/signup", sign_up_body("salon", "o@example.org"))
    assert (answer.status_code, answer.json()["field"]) == (400, "Idempotency-Key")
