"""Password attempts are limited, and the limit ends soon after the attempts stop."""

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


@pytest.mark.row("H36")
def test_password_attempts_per_account_are_limited(site: Site, owner: Client) -> None:
    assert [guess(site) for _ in range(11)] == [401] * 10 + [429]
    answer = site.client().log_in(OWNER)
    assert (answer.status_code, answer.json()["code"]) == (429, "too_many_attempts")
    assert 1 <= int(answer.headers["Retry-After"]) <= 20
    site.sql("UPDATE auth.throttle SET spent_until = spent_until - interval '20 seconds'")
    assert site.client().log_in(OWNER).status_code == 200


@pytest.mark.row("H37")
def test_unknown_account_is_throttled_the_same_way(site: Site) -> None:
    assert [guess(site, "nobody@example.org") for _ in range(11)] == [401] * 10 + [429]


@pytest.mark.row("H36")
def test_password_attempts_per_address_are_limited(site: Site) -> None:
    answers = [guess(site, f"user{n}@example.org") for n in range(52)]
    assert answers.count(401) in (50, 51)
    assert answers[-1] == 429


def test_correct_passwords_are_not_throttled(site: Site, owner: Client) -> None:
    assert {site.client().log_in(OWNER).status_code for _ in range(60)} == {200}


def test_throttled_attempts_are_not_charged(site: Site, owner: Client) -> None:
    for _ in range(40):
        guess(site)
    site.sql("UPDATE auth.throttle SET spent_until = spent_until - interval '20 seconds'")
    assert site.client().log_in(OWNER).status_code == 200


def test_password_attempts_by_sign_up_are_throttled(site: Site, owner: Client) -> None:
    site.sql("DELETE FROM auth.throttle")
    for email in (OWNER, "nobody@example.org"):
        answers = [site.client().join("salon", email, f"a wrong password {n}").status_code for n in range(11)]
        assert answers == [201] * 10 + [429], "whether the address has an account or not"


def test_attempts_at_the_current_password_are_throttled(site: Site, owner: Client) -> None:
    change = {"current_password": "guessed", "new_password": "a much better one"}
    answers = [owner.post("/me/password", change).status_code for _ in range(11)]
    assert answers == [403] * 10 + [429]


def test_throttle_state_is_bounded(site: Site) -> None:
    for number in range(20):
        guess(site, f"user{number}@example.org")
    [(rows, highest)] = site.sql("SELECT count(*), max(bucket) FROM auth.throttle")
    assert rows <= 21
    assert highest < BUCKETS


@pytest.mark.row("H32")
def test_forged_forwarded_address_is_ignored(site: Site) -> None:
    answers = [guess(site, f"user{n}@example.org", headers={"X-Forwarded-For": f"203.0.113.{n}"}) for n in range(52)]
    assert answers[-1] == 429


@pytest.fixture
def behind_proxy(databases: Databases) -> Iterator[Site]:
    with auth_site(databases, trusted_proxies=(ip_network("127.0.0.0/8"),)) as site:
        yield site


@pytest.mark.row("H32")
def test_address_forwarded_by_a_trusted_proxy_counts(behind_proxy: Site) -> None:
    answers = [guess(behind_proxy, f"user{n}@example.org", headers=PROXY) for n in range(52)]
    assert answers[-1] == 429
    assert guess(behind_proxy, "another@example.org", headers={"X-Forwarded-For": "203.0.113.9"}) == 401
    forged = {"X-Forwarded-For": "203.0.113.9, 198.51.100.7"}
    assert guess(behind_proxy, "one-more@example.org", headers=forged) == 429
