"""Guessing is slow, and nobody is locked out for longer than the guessing lasts."""

from collections.abc import Iterator
from ipaddress import ip_network

import pytest

from monolith.modules.auth.throttle import BUCKETS
from tests.databases import Databases
from tests.site import Client, Site, auth_site

OWNER = "owner@salon.example"
PROXY = {"X-Forwarded-For": "198.51.100.7"}


def guess(site: Site, email: str = OWNER, **kwargs: object) -> int:
    return site.client().log_in(email, "a wrong password", **kwargs).status_code


def test_an_account_is_guessed_at_ten_times_and_then_slowly(site: Site, owner: Client) -> None:
    assert [guess(site) for _ in range(11)] == [401] * 10 + [429]
    answer = site.client().log_in(OWNER)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert 1 <= int(answer.headers["Retry-After"]) <= 20
    site.sql("UPDATE auth.throttle SET spent_until = spent_until - interval '20 seconds'")
    assert site.client().log_in(OWNER).status_code == 200


def test_an_unknown_account_is_throttled_alike(site: Site) -> None:
    assert [guess(site, "nobody@example.org") for _ in range(11)] == [401] * 10 + [429]


def test_one_address_cannot_try_many_accounts(site: Site) -> None:
    answers = [guess(site, f"user{n}@example.org") for n in range(52)]
    assert answers.count(401) in (50, 51)
    assert answers[-1] == 429


def test_who_knows_the_password_is_not_throttled(site: Site, owner: Client) -> None:
    assert {site.client().log_in(OWNER).status_code for _ in range(60)} == {200}


def test_a_refused_attempt_costs_nothing(site: Site, owner: Client) -> None:
    for _ in range(40):
        guess(site)
    site.sql("UPDATE auth.throttle SET spent_until = spent_until - interval '20 seconds'")
    assert site.client().log_in(OWNER).status_code == 200


def test_guessing_by_sign_up_is_throttled_like_signing_in(site: Site, owner: Client) -> None:
    answers = [site.client().join("salon", OWNER, "a wrong password").status_code for _ in range(11)]
    assert answers == [409] * 10 + [429]


def test_guessing_the_current_password_is_throttled(site: Site, owner: Client) -> None:
    change = {"current_password": "guessed", "new_password": "a much better one"}
    answers = [owner.post("/me/password", change).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]


def test_the_state_is_bounded(site: Site) -> None:
    for number in range(20):
        guess(site, f"user{number}@example.org")
    [(rows, highest)] = site.sql("SELECT count(*), max(bucket) FROM auth.throttle")
    assert rows <= 21
    assert highest < BUCKETS


def test_a_forged_address_evades_nothing(site: Site) -> None:
    answers = [guess(site, f"user{n}@example.org", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(52)]
    assert answers[-1] == 429


@pytest.fixture
def behind_proxy(databases: Databases) -> Iterator[Site]:
    with auth_site(databases, trusted_proxies=(ip_network("127.0.0.0/8"),)) as site:
        yield site


def test_a_trusted_proxy_says_where_a_request_came_from(behind_proxy: Site) -> None:
    answers = [guess(behind_proxy, f"user{n}@example.org", headers=PROXY) for n in range(52)]
    assert answers[-1] == 429
    assert guess(behind_proxy, "another@example.org", headers={"X-Forwarded-For": "203.0.113.9"}) == 401
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert guess(behind_proxy, "one-more@example.org", headers=forged) == 429
