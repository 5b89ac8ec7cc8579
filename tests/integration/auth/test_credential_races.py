"""Sign-ins and changes by a session that are in flight while the account's credentials end.

A transaction of the test holds a row that one of the two needs in the middle of its transaction, so that the order of
the two is known.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID

import psycopg
import pytest
from requests import Response

from tests.integration.auth.post import Post
from tests.polling import eventually
from tests.site import PASSWORD, Client, Site

OWNER = "owner@salon.example"
NEW = "a much better one"
SESSION = "SELECT FROM auth.session WHERE session_id = %s FOR UPDATE"
WAITING = """
    SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
"""


@contextmanager
def held(site: Site, statement: str, *values: object) -> Iterator[None]:
    """Hold the row locks of a statement until the block ends."""
    with psycopg.connect(site.admin_url) as connection:
        connection.execute(statement.encode(), values)
        yield
        connection.rollback()


def let_wait(site: Site, number: int, *unless: Future[Response]) -> None:
    """Return when this number of transactions wait for a lock, or one of the requests is answered."""
    eventually(lambda: site.sql(WAITING) == [(number,)] or any(each.done() for each in unless), "the wait for a lock")


def session_of(client: Client) -> UUID:
    [found] = [each for each in client.get("/me/sessions").json()["sessions"] if each["current"]]
    return UUID(found["session_id"])


def signed_in(site: Site) -> Client:
    client = site.client()
    assert client.log_in(OWNER).status_code == 200
    return client


def reset(site: Site, owner: Client, post: Post) -> Callable[[], Response]:
    """Return the use of a link for a new password."""
    assert site.client().post("/password-resets", {"email": OWNER}).status_code == 204
    body = {"token": post.token("reset-password", OWNER), "new_password": NEW}
    return lambda: site.client().post("/password-resets/use", body)


def change(site: Site, owner: Client, post: Post) -> Callable[[], Response]:
    """Return the change of the password."""
    return lambda: owner.post("/me/password", {"current_password": PASSWORD, "new_password": NEW})


def delete(site: Site, owner: Client, post: Post) -> Callable[[], Response]:
    """Return the deletion of the account."""
    assert owner.post("/businesses/salon/close").status_code == 200
    return lambda: owner.post("/me/delete", {"current_password": PASSWORD})


Prepare = Callable[[Site, Client, Post], Callable[[], Response]]


@pytest.mark.parametrize("prepare", [reset, change, delete])
def test_log_in_with_the_old_password_during_its_end_is_refused(
    site: Site, owner: Client, post: Post, prepare: Prepare
) -> None:
    other, thief, end = signed_in(site), site.client(), prepare(site, owner, post)
    with ThreadPoolExecutor(2) as pool:
        with held(site, SESSION, session_of(other)):
            ending = pool.submit(end)
            let_wait(site, 1, ending)
            log_in = pool.submit(thief.log_in, OWNER)
            let_wait(site, 2, log_in)
        assert ending.result().ok
        assert log_in.result().status_code == 401
    assert thief.get("/me").status_code == 401


@pytest.mark.parametrize("prepare", [reset, change, delete])
def test_log_in_just_before_the_end_of_the_password_is_ended_with_it(
    site: Site, owner: Client, post: Post, prepare: Prepare
) -> None:
    thief, end = site.client(), prepare(site, owner, post)
    site.client().join("salon", "eve@example.org")
    thief.log_in("eve@example.org")
    with ThreadPoolExecutor(2) as pool:
        with held(site, SESSION, session_of(thief)):
            log_in = pool.submit(thief.log_in, OWNER)
            let_wait(site, 1, log_in)
            ending = pool.submit(end)
            let_wait(site, 2, ending)
        assert log_in.result().status_code == 200
        assert ending.result().ok
    assert thief.get("/me").status_code == 401


def test_log_in_of_a_stranger_during_the_confirmation_by_the_owner_of_the_address_is_refused(
    site: Site, owner: Client, post: Post
) -> None:
    stranger, cleo, thief = site.client(), site.client(), site.client()
    stranger.join("salon", "cleo@example.org")
    body = {"token": post.token("confirm-email", "cleo@example.org"), "password": NEW}
    with ThreadPoolExecutor(2) as pool:
        with held(site, SESSION, session_of(stranger)):
            confirmation = pool.submit(cleo.post, "/confirm-email", body)
            let_wait(site, 1, confirmation)
            log_in = pool.submit(thief.log_in, "cleo@example.org")
            let_wait(site, 2, log_in)
        assert confirmation.result().status_code == 200
        assert log_in.result().status_code == 401
    assert [client.get("/me").status_code for client in (stranger, thief, cleo)] == [401, 401, 200]


def test_sign_in_on_a_signed_in_browser_during_a_change_of_the_password_is_no_deadlock(
    site: Site, owner: Client
) -> None:
    """The sign-in replaces a session that the change ends too: both lock the account before it."""
    other = signed_in(site)
    with ThreadPoolExecutor(2) as pool:
        with held(site, "SELECT FROM auth.account WHERE email = %s FOR UPDATE", OWNER):
            changed = pool.submit(owner.post, "/me/password", {"current_password": PASSWORD, "new_password": NEW})
            let_wait(site, 1, changed)
            again = pool.submit(other.log_in, OWNER)
            let_wait(site, 2, again)
        assert changed.result().status_code == 204
        assert again.result().status_code == 401
    assert [client.get("/me").status_code for client in (other, owner)] == [401, 200]


def token_of(client: Client) -> Response:
    return client.post("/businesses/salon/tokens", {"name": "till", "role": "owner"})


def invitation_of(client: Client) -> Response:
    return client.post("/businesses/salon/invitations", {"email": "eve@example.org", "role": "owner"})


Create = Callable[[Client], Response]


@pytest.mark.parametrize("create", [token_of, invitation_of])
@pytest.mark.parametrize("prepare", [reset, delete])
def test_stolen_session_creates_nothing_while_its_account_ends_it(
    site: Site, owner: Client, post: Post, prepare: Prepare, create: Create
) -> None:
    thief, end = signed_in(site), prepare(site, owner, post)
    with ThreadPoolExecutor(2) as pool:
        with held(site, SESSION, session_of(thief)):
            ending = pool.submit(end)
            let_wait(site, 1, ending)
            created = pool.submit(create, thief)
            let_wait(site, 2, created)
        assert ending.result().ok
        assert (created.result().status_code, created.result().json()["code"]) == (401, "unauthenticated")
    assert site.sql("SELECT count(*) FROM auth.api_token") == site.sql("SELECT count(*) FROM auth.invitation") == [(0,)]


@pytest.mark.parametrize("prepare", [reset, delete])
def test_token_of_a_stolen_session_made_just_before_the_end_of_its_account_is_revoked(
    site: Site, owner: Client, post: Post, prepare: Prepare
) -> None:
    thief, end = signed_in(site), prepare(site, owner, post)
    with ThreadPoolExecutor(2) as pool:
        with held(site, "SELECT FROM auth.business FOR UPDATE"):
            created = pool.submit(token_of, thief)
            let_wait(site, 1, created)
            ending = pool.submit(end)
            let_wait(site, 2, ending)
        assert created.result().status_code == 201
        assert ending.result().ok
    assert Client(site.url, created.result().json()["secret"]).get("/me").status_code == 401


def test_business_is_not_reopened_while_its_last_owner_deletes_the_account(
    site: Site, owner: Client, post: Post
) -> None:
    other, end = signed_in(site), delete(site, owner, post)
    with ThreadPoolExecutor(2) as pool:
        with held(site, SESSION, session_of(other)):
            deletion = pool.submit(end)
            let_wait(site, 1, deletion)
            reopened = pool.submit(other.post, "/businesses/salon/reopen")
            let_wait(site, 2, reopened)
        assert deletion.result().status_code == 204
        assert reopened.result().status_code == 403
    assert site.client().get("/businesses/salon").json()["is_closed"]


@pytest.mark.parametrize("way", ["promoted", "invited"])
def test_member_who_deletes_the_account_becomes_no_owner(site: Site, owner: Client, post: Post, way: str) -> None:
    def invited(role: str) -> str:
        body = {"email": "stef@example.org", "role": role}
        assert owner.post("/businesses/salon/invitations", body).status_code == 201
        return post.token("invitation", "stef@example.org")

    stef, phone = site.client(), site.client()
    body = {"token": invited("staff"), "name": "Stef Staff", "password": PASSWORD}
    assert stef.post("/invitations/accept", body).status_code == 200
    phone.log_in("stef@example.org")
    stef_id, token = stef.get("/me").json()["user"]["user_id"], invited("owner")
    raises: dict[str, Callable[[], Response]] = {
        "promoted": lambda: owner.request("PATCH", f"/businesses/salon/members/{stef_id}", json={"role": "owner"}),
        "invited": lambda: phone.post("/invitations/accept", {"token": token}),
    }
    with ThreadPoolExecutor(2) as pool:
        with held(site, SESSION, session_of(phone)):
            deletion = pool.submit(stef.post, "/me/delete", {"current_password": PASSWORD})
            let_wait(site, 1, deletion)
            raised = pool.submit(raises[way])
            let_wait(site, 2, raised)
        assert deletion.result().status_code == 204
        assert raised.result().status_code == {"promoted": 404, "invited": 401}[way]
    assert [each["email"] for each in owner.get("/businesses/salon/members").json()["members"]] == [OWNER]
