"""Refused requests are audited, without letting callers flood the audit log."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest

from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, TenantClient, open_tenant
from tests.databases import Databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.site import Client, confirm_email


@pytest.fixture
def site(databases: Databases, tmp_path: Path) -> Iterator[GunicornSite]:
    with gunicorn_site(databases, tmp_path, WEB_WORKERS="1") as site:
        yield site


def client_of(site: GunicornSite, tenant_client: TenantClient) -> Client:
    client = site.client()
    client.session.headers["Cookie"] = tenant_client.cookie
    return client


def denials(databases: Databases) -> list[tuple[str, str, int, int, str]]:
    with psycopg.connect(databases.monolith_admin_url) as admin:
        return admin.execute("""
            SELECT actor, subject, (after ->> 'status')::int, (after ->> 'unrecorded')::int, reason
            FROM platform.audit WHERE action = 'access.denied' ORDER BY recorded_at, audit_id
        """).fetchall()


def booked_at(tenant: Tenant) -> str:
    slot = {"offering_id": tenant.offering_id, "start": "2031-05-05T08:00:00Z", "end": "2031-05-05T10:00:00Z"}
    query = "&".join(f"{name}={value}" for name, value in slot.items())
    first = tenant.owner.call("GET", f"{tenant.path}/slots?{query}")["slots"][0]
    starts_at = datetime.fromisoformat(first["starts_at"])
    found: str = tenant.book(tenant.register_customer(), first["provider_id"], starts_at)["appointment_id"]
    return found


@pytest.mark.row("H1")
def test_appointment_of_another_business_is_absent_and_the_attempts_are_audited(
    databases: Databases, site: GunicornSite
) -> None:
    salon, bakery = (open_tenant(site.port, 1, ROUND_THE_CLOCK) for _ in range(2))
    baker, appointment_id = client_of(site, bakery.owner), booked_at(salon)
    user_id = baker.get("/me").json()["user"]["user_id"]

    theirs = baker.get(f"{bakery.path}/appointments/{appointment_id}")
    absent = baker.get(f"{bakery.path}/appointments/{uuid4()}")
    assert (theirs.status_code, theirs.json()["code"]) == (404, "appointment_not_found")
    assert theirs.json().keys() == absent.json().keys()
    assert baker.get(f"{salon.path}/appointments/{appointment_id}").status_code == 403
    path = f"/api/v1{bakery.path}/appointments/{appointment_id}"
    found = denials(databases)
    assert found[0] == (
        f"user:{user_id}",
        f"access:scheduling.get_appointment GET {path}",
        404,
        0,
        theirs.json()["code"],
    )
    assert [(each[2], each[4]) for each in found] == [(404, theirs.json()["code"])] * 2 + [(403, "forbidden")]

    encoded = f"/api/v1{bakery.path}/invoices/%1B%5B31m%C2%9B"
    assert baker.session.get(f"{site.url}{encoded}", timeout=30).status_code == 404
    assert denials(databases)[-1][1].endswith(f"GET {encoded}"), "a terminal does not interpret what the caller wrote"
    assert baker.session.get(f"{site.url}{encoded}%00", timeout=30).status_code == 404
    assert denials(databases)[-1][1].endswith(f"GET {encoded}%00"), "what cannot be stored as it is does not fail"

    for _ in range(30):
        assert baker.get(f"{bakery.path}/appointments/{uuid4()}").status_code == 404
    assert len(denials(databases)) == 10, "further attempts are only counted"

    confirm_email(databases, f"{salon.slug}@example.test")
    token = salon.owner.call("POST", f"{salon.path}/tokens", {"name": "till", "role": "staff"})
    kiosk = Client(site.url, token["secret"])
    assert kiosk.get(f"{bakery.path}/members").status_code == 403
    assert denials(databases)[-1][0] == f"token:{token['token']['token_id']}", "one caller does not hide another"
    assert site.client().get(f"{salon.path}/appointments/{appointment_id}").status_code == 401
    assert len(denials(databases)) == 11, "callers without credentials are not audited"
