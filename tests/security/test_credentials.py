"""Attacks on sessions, passwords and tokens."""

import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from monolith.modules.auth.credentials import hash_secret
from monolith.modules.auth.passwords import Argon2Parameters, Passwords
from monolith.shared.endpoints import ApiError
from tests.databases import Databases
from tests.site import Client, Site, auth_site

OWNER = "owner@salon.example"
OWASP = Argon2Parameters()


@pytest.mark.row("H9")
def test_login_replaces_a_planted_session(site: Site, owner: Client) -> None:
    attacker = site.client()
    attacker.join("salon", "eve@example.org")
    planted = attacker.session.cookies["session"]
    victim = site.client()
    victim.session.cookies.set("session", planted)
    answer = victim.log_in(OWNER)
    assert planted not in answer.headers["Set-Cookie"]
    assert attacker.get("/me").status_code == 401, "the planted session is dead"
    made_up = site.client()
    made_up.session.cookies.set("session", "A" * 43)
    assert "A" * 43 not in made_up.log_in(OWNER).headers["Set-Cookie"]


@pytest.mark.row("H9")
def test_link_of_a_mail_replaces_a_planted_session(site: Site, owner: Client) -> None:
    attacker, victim = site.client(), site.client()
    attacker.join("salon", "eve@example.org")
    victim.session.cookies.set("session", attacker.session.cookies["session"])
    secret = "A" * 43
    [(user_id,)] = site.sql("SELECT user_id FROM auth.account WHERE email = %s", OWNER)
    site.sql(
        "INSERT INTO auth.mail_token VALUES (%s, 'reset', %s, %s, now() + interval '1 hour')",
        hash_secret(secret),
        user_id,
        OWNER,
    )
    body = {"token": secret, "new_password": "a much better one"}
    assert victim.post("/password-resets/use", body).json()["email"] == OWNER
    assert attacker.get("/me").status_code == 401, "the planted session is dead"


@pytest.mark.parametrize("secret", ["", "x", "' OR 1=1 --", "\x01", "a" * 5_000, "bk_" + "A" * 43, "A" * 43])
def test_invalid_session_cookie_is_anonymous(site: Site, owner: Client, secret: str) -> None:
    headers = {"Cookie": f"session={secret}"}
    assert site.client().get("/me", headers=headers).status_code == 401
    assert site.client().get("/businesses/salon", headers=headers).status_code == 200


@pytest.mark.row("H22")
@pytest.mark.parametrize(
    "token", ["eyJhbGciOiJub25lIn0.e30.", "eyJhbGciOiJFZERTQSIsImtpZCI6ImsxIn0.e30.c2ln", "bk_x", "\x7f"]
)
def test_foreign_token_formats_are_rejected(site: Site, owner: Client, token: str) -> None:
    assert Client(site.url, token).get("/me").status_code == 401


def test_token_takes_precedence_over_cookie(site: Site, owner: Client) -> None:
    assert owner.get("/me", headers={"Authorization": "Bearer bk_wrong"}).status_code == 401


@pytest.mark.row("H37")
def test_login_does_not_reveal_whether_an_address_exists(databases: Databases) -> None:
    with auth_site(databases, hashing=OWASP) as site:
        site.client().sign_up("salon")
        times: dict[str, list[float]] = {OWNER: [], "nobody@example.org": []}
        bodies = set()
        for _ in range(8):
            for email, taken in times.items():
                began = time.perf_counter()
                answer = site.client().log_in(email, "a wrong password")
                taken.append(time.perf_counter() - began)
                bodies.add((answer.status_code, answer.content))
        assert len(bodies) == 1
        known, unknown = (statistics.median(taken) for taken in times.values())
        assert unknown == pytest.approx(known, rel=0.35)


@pytest.mark.row("H37")
def test_sign_up_does_not_reveal_whether_an_address_exists(databases: Databases) -> None:
    with auth_site(databases, hashing=OWASP) as site:
        site.client().sign_up("salon")
        site.confirm(OWNER)
        times: dict[str, list[float]] = {OWNER: [], "nobody@example.org": []}
        shapes = set()
        for number in range(8):
            for email, taken in times.items():
                began = time.perf_counter()
                answer = site.client().join("salon", email, f"a wrong password {number}")
                taken.append(time.perf_counter() - began)
                shapes.add((answer.status_code, tuple(answer.json()), len(answer.content)))
        assert len(shapes) == 1
        known, unknown = (statistics.median(taken) for taken in times.values())
        assert unknown == pytest.approx(known, rel=0.35)


@pytest.mark.row("H36")
def test_thousand_concurrent_logins_hash_two_at_a_time_without_locking_out_the_owner(site: Site, owner: Client) -> None:
    def attempt(number: int) -> int:
        email = OWNER if number % 2 else f"user{number}@example.org"
        return site.client().log_in(email, "a wrong password").status_code

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(attempt, range(1_000)))
    assert set(answers) == {401, 429}
    assert answers.count(401) < 80
    site.sql("UPDATE auth.throttle SET spent_until = spent_until - interval '20 seconds'")
    assert site.client().log_in(OWNER).status_code == 200


def test_login_that_waits_too_long_for_a_hash_gets_503_with_retry_after() -> None:
    passwords = Passwords(Argon2Parameters(memory_kib=64 * 1024, passes=20, max_concurrent=1, max_wait_seconds=0.05))
    with ThreadPoolExecutor(4) as pool:
        attempts = [pool.submit(passwords.verify, "guess", None) for _ in range(4)]
        errors = [attempt.exception() for attempt in attempts]
    assert None in errors
    refused = next(error for error in errors if isinstance(error, ApiError))
    assert (refused.status, refused.code) == (503, "busy")
    assert refused.retry_after


def test_password_hashes_meet_owasp_parameters() -> None:
    assert (OWASP.memory_kib, OWASP.passes, OWASP.lanes) >= (19_456, 2, 1)
    assert Passwords(OWASP).hash("a password").startswith("$argon2id$v=19$m=19456,t=2,p=1$")


def test_next_login_replaces_an_outdated_hash(databases: Databases) -> None:
    with auth_site(databases) as site:
        site.client().sign_up("salon")
    with auth_site(databases, hashing=OWASP) as site:
        assert site.client().log_in(OWNER).status_code == 200
        [(password_hash,)] = site.sql("SELECT password_hash FROM auth.account")
        assert "m=19456" in password_hash
        assert site.client().log_in(OWNER).status_code == 200


def test_password_matches_in_another_unicode_normalization() -> None:
    passwords = Passwords(Argon2Parameters(memory_kib=1024, passes=1))
    stored = passwords.hash("cafe\u0301 creme")
    assert passwords.verify("caf\u00e9 creme", stored)
    assert not passwords.verify("cafe creme", stored)
    assert not passwords.verify("caf\u00e9 creme", "not a hash")


def test_overlong_password_is_wrong_after_the_work_of_a_hash_and_is_not_normalized() -> None:
    passwords = Passwords(OWASP)
    stored = passwords.hash("\u00e9" * 101)
    assert passwords.verify("\u00e9" * 101, stored)
    assert not passwords.verify("e\u0301" * 101, stored), "202 characters, which normalization would make 101"
    with pytest.raises(ValueError, match="longer than 200"):
        passwords.hash("e\u0301" * 101)

    def processor_time(password: str) -> float:
        began = time.thread_time()
        assert not passwords.verify(password, stored)
        return time.thread_time() - began

    usual = statistics.median(processor_time("a wrong password") for _ in range(5))
    # Normalizing the marks takes seconds.
    longest = statistics.median(processor_time("a" + "\u0301" * 15_500 + "\u0327" * 15_500) for _ in range(5))
    assert usual / 2 < longest < 4 * usual


@pytest.mark.row("H45")
def test_metrics_and_internal_paths_are_not_found_without_the_token(site: Site, owner: Client) -> None:
    url = f"{site.url}/metrics"
    for headers in (
        {},
        {"Authorization": "Bearer wrong"},
        {"Authorization": ""},
        {"Authorization": "Bearer ключ".encode()},
    ):
        assert owner.session.get(url, headers=headers, timeout=5).status_code == 404
    for path in ("/debug", "/console", "/.git/config", "/api/v1/../../etc/passwd", "/static/../app.py"):
        assert owner.session.get(site.url + path, timeout=5).status_code == 404


def test_session_and_token_ids_are_not_credentials(site: Site, owner: Client) -> None:
    [(session_id,)] = site.sql("SELECT session_id::text FROM auth.session")
    thief = site.client()
    thief.session.cookies.set("session", str(UUID(session_id)))
    assert thief.get("/me").status_code == 401
    assert Client(site.url, str(uuid4())).get("/me").status_code == 401
