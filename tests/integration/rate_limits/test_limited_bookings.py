"""Bookings of customers are limited per business, address and known device, on either adapter."""

from pathlib import Path
from uuid import uuid4

import pytest

from monolith.modules.scheduling.rate_limits import FROM_ADDRESS, FROM_DEVICE
from tests.databases import Databases
from tests.faults.http_site import site_on
from tests.site import Client, confirm_email

ATTACKER, NEIGHBOUR = "198.51.100.7", "198.51.100.8"
CUSTOMER = "cleo@example.org"
_OF_PATH: dict[str, dict[str, object]] = {
    "series": {
        "offering_id": str(uuid4()),
        "provider_id": str(uuid4()),
        "recurrence": {"every": "day", "count": 52},
        "on_conflict": "skip",
    },
    "visits": {"items": [{"offering_id": str(uuid4())}] * 8},
}


def try_to_take(client: Client, address: str, path: str = "appointments") -> int:
    """Book an offering that does not exist: an attempt counts, whether or not it succeeds."""
    body: dict[str, object] = {"starts_at": "2035-05-07T09:00:00Z"}
    body |= _OF_PATH.get(path, {"offering_id": str(uuid4()), "provider_id": str(uuid4())})
    headers = {"X-Forwarded-For": address, "Idempotency-Key": uuid4().hex}
    answer = client.post(f"/businesses/salon/{path}", body, headers=headers)
    if answer.status_code == 429:
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["code"] == "too_many_attempts"
    return answer.status_code


def attempts_until_refused(client: Client, address: str) -> int:
    """Return how many attempts were accepted first. Allowances are restored slowly, so this ends."""
    return next(number for number in range(1_000) if try_to_take(client, address) == 429)


@pytest.mark.parametrize("adapter", ["in_process", pytest.param("http", marks=pytest.mark.long)])
def test_bookings_are_limited_per_address_and_known_devices_and_staff_are_let_through(
    databases: Databases, tmp_path: Path, adapter: str
) -> None:
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "RATE_LIMIT_REDIS_URL": databases.redis_url}
    with site_on(adapter, databases, tmp_path, **settings) as site:
        owner, known, stranger = site.client(), site.client(), site.client()
        assert owner.sign_up("salon").status_code == 201
        assert known.join("salon", CUSTOMER).status_code == 201
        confirm_email(databases, CUSTOMER)
        assert known.log_in(CUSTOMER).status_code == 200
        assert stranger.join("salon", "stranger@example.org").status_code == 201
        assert attempts_until_refused(stranger, ATTACKER) >= FROM_ADDRESS.burst
        assert try_to_take(stranger, ATTACKER, "holds") == 429, "the same limit"
        assert try_to_take(stranger, NEIGHBOUR) == 404, "another address"
        assert try_to_take(known, ATTACKER) == 404, "a known device behind the attacker's address"
        assert try_to_take(owner, ATTACKER) != 429, "staff"
        assert attempts_until_refused(known, NEIGHBOUR) >= FROM_DEVICE.burst - 1, "a known device has a limit too"
        known.session.cookies.clear()
        known.join("salon", "other@example.org")
        assert attempts_until_refused(known, ATTACKER) < FROM_DEVICE.burst - 1, "a sign-up makes no device known"


@pytest.mark.parametrize("adapter", ["in_process", pytest.param("http", marks=pytest.mark.long)])
def test_series_and_visits_count_as_their_appointments(databases: Databases, tmp_path: Path, adapter: str) -> None:
    settings = {"TRUSTED_PROXIES": "127.0.0.1", "RATE_LIMIT_REDIS_URL": databases.redis_url}
    with site_on(adapter, databases, tmp_path, **settings) as site:
        owner, known, stranger = site.client(), site.client(), site.client()
        assert owner.sign_up("salon").status_code == 201
        assert known.join("salon", CUSTOMER).status_code == 201
        confirm_email(databases, CUSTOMER)
        assert known.log_in(CUSTOMER).status_code == 200
        assert stranger.join("salon", "stranger@example.org").status_code == 201
        assert try_to_take(known, NEIGHBOUR) == 404
        assert try_to_take(known, NEIGHBOUR, "series") == 404, "the largest series is possible after another booking"
        assert try_to_take(known, NEIGHBOUR, "series") == 429, "its 52 appointments count"
        assert try_to_take(known, NEIGHBOUR) == 429, "the same limit"
        visits = [try_to_take(stranger, ATTACKER, "visits") for _ in range(20)]
        assert 13 <= visits.count(404) < 20, "13 visits of 8 exceed 100; a second restores one"
        assert visits[-1] == 429
