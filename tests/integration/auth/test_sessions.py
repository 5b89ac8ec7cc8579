"""Login, logout, and the lifetime of sessions."""

from concurrent.futures import ThreadPoolExecutor

import pytest
import requests

from tests.site import PASSWORD, Client, Site

OWNER = "owner@salon.example"


def cookies_set_by(answer: requests.Response) -> list[list[str]]:
    """Return the parts of each Set-Cookie header."""
    return [[part.strip() for part in header.split(";")] for header in answer.raw.headers.getlist("Set-Cookie")]


def test_login_identifies_the_user(site: Site, owner: Client) -> None:
    client = site.client()
    answer = client.log_in("OWNER@salon.example")
    assert answer.status_code == 200
    assert answer.json()["email"] == OWNER
    me = client.get("/me").json()
    assert (me["kind"], me["user"], me["is_operator"]) == ("user", answer.json(), False)


def test_request_without_a_session_is_unauthenticated(site: Site) -> None:
    answer = site.client().get("/me")
    assert (answer.status_code, answer.json()["code"]) == (401, "unauthenticated")
    assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_session_cookie_is_http_only_and_same_site(site: Site, owner: Client) -> None:
    session, device = cookies_set_by(site.client().log_in(OWNER))
    assert session[0].startswith("session=")
    assert session[1:] == ["Path=/", "Max-Age=1209600", "HttpOnly", "SameSite=Lax"]
    assert device[0].startswith("device=")
    assert device[1:] == ["Path=/", "Max-Age=15552000", "HttpOnly", "SameSite=Lax"]


def test_session_is_found_among_other_cookies(site: Site, owner: Client) -> None:
    secret = owner.session.cookies["session"]
    statuses = {}
    for header in (f"a=b; session={secret}; c", f'session="{secret}"', f"my_session={secret}", f"a=;session={secret}x"):
        statuses[header] = site.client().get("/me", headers={"Cookie": header}).status_code
    assert list(statuses.values()) == [200, 200, 401, 401], statuses


@pytest.mark.row("H10")
def test_logout_is_final_and_idempotent(site: Site, owner: Client) -> None:
    secret = owner.session.cookies["session"]
    assert owner.post("/logout").status_code == 204
    assert "session" not in owner.session.cookies
    assert owner.post("/logout").status_code == 204
    thief = site.client()
    thief.session.cookies.set("session", secret)
    assert thief.get("/me").status_code == 401


def test_login_replaces_only_the_session_of_this_browser(site: Site, owner: Client) -> None:
    elsewhere = site.client()
    elsewhere.log_in(OWNER)
    before = owner.session.cookies["session"]
    owner.log_in(OWNER)
    old = site.client()
    old.session.cookies.set("session", before)
    assert [client.get("/me").status_code for client in (owner, elsewhere, old)] == [200, 200, 401]


def test_session_ends_after_a_day_of_inactivity(site: Site, owner: Client) -> None:
    site.sql("UPDATE auth.session SET seen_at = now() - interval '23 hours'")
    assert owner.get("/me").status_code == 200
    assert site.sql("SELECT seen_at > now() - interval '1 minute' FROM auth.session") == [(True,)]
    site.sql("UPDATE auth.session SET seen_at = now() - interval '24 hours'")
    assert owner.get("/me").status_code == 401


def test_session_ends_after_two_weeks_in_any_case(site: Site, owner: Client) -> None:
    assert site.sql("SELECT expires_at - began_at = interval '14 days' FROM auth.session") == [(True,)]
    site.sql("UPDATE auth.session SET expires_at = now()")
    assert owner.get("/me").status_code == 401


def test_old_sessions_are_pruned(site: Site, owner: Client) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: site.client().log_in(OWNER), range(30)))
    [(number,)] = site.sql("SELECT count(*) FROM auth.session")
    assert number <= 21


def test_password_change_ends_all_other_sessions(site: Site, owner: Client) -> None:
    elsewhere = site.client()
    elsewhere.log_in(OWNER)
    change = {"current_password": PASSWORD, "new_password": "a much better one"}
    assert owner.post("/me/password", change).status_code == 204
    assert (owner.get("/me").status_code, elsewhere.get("/me").status_code) == (200, 401)
    assert site.client().log_in(OWNER).status_code == 401
    assert site.client().log_in(OWNER, "a much better one").status_code == 200


def test_password_change_requires_the_current_password(site: Site, owner: Client) -> None:
    change = {"current_password": "guessed", "new_password": "a much better one"}
    answer = owner.post("/me/password", change)
    assert (answer.status_code, answer.json()["code"]) == (403, "wrong_password")
    assert site.client().post("/me/password", change).status_code == 401


def test_login_is_fresh_for_fifteen_minutes(site: Site, owner: Client) -> None:
    secret = owner.session.cookies["session"]
    principal = site.auth.sessions.by_session(secret)
    assert principal is not None
    assert principal.fresh_login
    site.sql("UPDATE auth.session SET began_at = now() - interval '15 minutes'")
    principal = site.auth.sessions.by_session(secret)
    assert principal is not None
    assert not principal.fresh_login


def test_only_hashes_are_stored(site: Site, owner: Client) -> None:
    [(password_hash,)] = site.sql("SELECT password_hash FROM auth.account")
    assert password_hash.startswith("$argon2id$")
    [(secret_hash,)] = site.sql("SELECT secret_hash FROM auth.session")
    assert owner.session.cookies["session"].encode() not in secret_hash
