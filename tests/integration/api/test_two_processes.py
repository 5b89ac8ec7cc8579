"""What one web process changes, the next request of another one sees: sessions, roles, tokens, businesses."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psycopg
import pytest

from tests.databases import Databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.polling import eventually
from tests.site import PASSWORD, Client, confirm_email

OWNER = "owner@salon.example"


@pytest.fixture
def sites(databases: Databases, tmp_path: Path) -> Iterator[list[GunicornSite]]:
    """Two web processes on the same database."""
    with ExitStack() as running:
        started = []
        for name in ("one", "other"):
            (tmp_path / name).mkdir()
            started.append(running.enter_context(gunicorn_site(databases, tmp_path / name, WEB_WORKERS="1")))
        yield started


@pytest.fixture
def admin(databases: Databases) -> Iterator["psycopg.Connection[tuple[Any, ...]]"]:
    with psycopg.connect(databases.monolith_admin_url, autocommit=True) as connection:
        yield connection


def test_revocation_in_one_process_is_effective_in_the_other_with_the_next_request(
    databases: Databases, sites: list[GunicornSite], admin: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    one, other = (site.client() for site in sites)
    assert one.sign_up("salon").status_code == 201
    confirm_email(databases, OWNER)
    tokens = "/businesses/salon/tokens"

    def elsewhere(client: Client) -> Client:
        """Return a client of the other process with the same session, which it has already used there."""
        copy = sites[1].client()
        copy.session.cookies.set("session", client.session.cookies["session"])
        assert copy.get("/me").status_code == 200
        return copy

    stolen = elsewhere(one)
    assert one.post("/logout").status_code == 204
    assert stolen.get("/me").status_code == 401, "the session has ended"

    assert one.log_in(OWNER).status_code == other.log_in(OWNER).status_code == 200
    assert other.get("/me").status_code == 200
    change = {"current_password": PASSWORD, "new_password": "a much better one"}
    assert one.post("/me/password", change).status_code == 204
    assert other.get("/me").status_code == 401, "the password has changed"

    token = one.post(tokens, {"name": "Kiosk", "role": "staff"}).json()
    kiosk = Client(sites[1].url, token["secret"])
    assert kiosk.get("/me").status_code == 200
    assert one.delete(f"{tokens}/{token['token']['token_id']}").status_code == 204
    assert kiosk.get("/me").status_code == 401, "the token is revoked"

    owner = elsewhere(one)
    assert owner.get(tokens).status_code == 200
    admin.execute("UPDATE auth.membership SET role = 'staff'")
    assert owner.get(tokens).status_code == 403, "the role was lowered"
    admin.execute("DELETE FROM auth.membership")
    assert owner.get("/businesses/salon/appointments").status_code == 403, "the membership has ended"


def test_changed_business_is_seen_by_every_process_within_moments(
    sites: list[GunicornSite], admin: "psycopg.Connection[tuple[Any, ...]]"
) -> None:
    assert sites[0].client().sign_up("salon").status_code == 201

    def names(slug: str) -> list[Any]:
        return [site.client().get(f"/businesses/{slug}").json().get("name") for site in sites]

    assert names("salon") == ["The salon", "The salon"]
    admin.execute("UPDATE auth.business SET name = 'The hairdresser'")
    eventually(lambda: names("salon") == ["The hairdresser"] * 2, seconds=4)
    admin.execute("UPDATE auth.business SET slug = 'hairdresser'")
    eventually(lambda: names("salon") == [None, None], seconds=4)
    assert names("hairdresser") == ["The hairdresser"] * 2
