"""An outage of the database under a running process, and recovery."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.chassis.credentials import without_credentials
from deploy.databases.schemas import monolith_target
from deploy.databases.set_up import set_up
from deploy.devstack.postgres import PostgresServer
from monolith.shared.database import DatabaseUnavailable
from monolith.shared.endpoints.stale_credentials import FallbackAuthenticator
from tests.databases import Databases
from tests.site import Client, Site, auth_site

SECRET = "a secret of this test alone"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[PostgresServer]:
    with PostgresServer(tmp_path / "postgres", name="monolith", durable=False) as server:
        yield server


@pytest.fixture
def own_site(server: PostgresServer, databases: Databases) -> Iterator[Site]:
    """A site whose database server the test may stop."""
    target = monolith_target(server.admin_url("monolith"), SECRET)
    set_up(target)
    with auth_site(
        databases.replacing(
            monolith_url=without_credentials(target.url), monolith_admin_url=target.url, role_secret=SECRET
        )
    ) as site:
        yield site


@pytest.mark.row("F16")
def test_requests_fail_with_503_during_an_outage_and_recover(server: PostgresServer, own_site: Site) -> None:
    owner = own_site.client()
    assert owner.sign_up("salon").status_code == 201
    server.stop()
    began = time.monotonic()
    for answer in (owner.get("/me"), own_site.client().log_in("owner@salon.example"), owner.sign_up("bakery")):
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert int(answer.headers["Retry-After"]) >= 1
        assert "Traceback" not in answer.text
    assert time.monotonic() - began < 5
    assert own_site.client().session.get(f"{own_site.url}/readyz", timeout=5).status_code == 503
    assert own_site.client().session.get(f"{own_site.url}/healthz", timeout=5).status_code == 200
    server.start()
    assert owner.get("/me").status_code == 200
    assert own_site.client().log_in("owner@salon.example").status_code == 200


def test_what_was_ended_before_an_outage_is_not_accepted_in_it(server: PostgresServer, own_site: Site) -> None:
    authenticator = FallbackAuthenticator(own_site.auth.sessions)
    own_site.auth.sessions.on_ended(authenticator.forget)
    owner, member = own_site.client(), own_site.client()
    owner.sign_up("salon")
    member.join("salon", "member@example.org")
    own_site.confirm("owner@salon.example")
    own_site.sql("UPDATE auth.membership SET role = 'staff' WHERE role = 'customer'")
    revoked = owner.post("/businesses/salon/tokens", {"name": "till", "role": "staff"}).json()
    replaced, demoted = owner.session.cookies["session"], member.session.cookies["session"]
    for secret in (replaced, demoted):
        assert authenticator.by_session(secret) is not None
    assert authenticator.by_api_token(revoked["secret"]) is not None

    assert owner.delete(f"/businesses/salon/tokens/{revoked['token']['token_id']}").status_code == 204
    member_id = member.get("/me").json()["user"]["user_id"]
    assert owner.log_in("owner@salon.example").status_code == 200
    changed = owner.request("PATCH", f"/businesses/salon/members/{member_id}", json={"role": "reader"})
    assert changed.status_code == 204
    kept = owner.post("/businesses/salon/tokens", {"name": "later", "role": "staff"}).json()["secret"]
    assert authenticator.by_api_token(kept) is not None
    server.stop()
    assert authenticator.by_api_token(kept) is not None
    for secret in (replaced, demoted):
        with pytest.raises(DatabaseUnavailable):
            authenticator.by_session(secret)
    with pytest.raises(DatabaseUnavailable):
        authenticator.by_api_token(revoked["secret"])


@pytest.fixture
def narrow(databases: Databases) -> Iterator[Site]:
    with auth_site(databases, pool_size=1) as site:
        yield site


@pytest.mark.row("F19")
def test_exhausted_pool_is_503_in_bounded_time(narrow: Site) -> None:
    with narrow.database.transaction():
        began = time.monotonic()
        answer = Client(narrow.url).log_in("owner@salon.example")
        assert (answer.status_code, answer.json()["code"]) == (503, "unavailable")
        assert time.monotonic() - began < 2
    assert Client(narrow.url).log_in("owner@salon.example").status_code == 401
