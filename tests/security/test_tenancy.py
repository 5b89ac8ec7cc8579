"""Every operation of the public API with the ids of another business: nothing is seen, nothing is changed."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

import psycopg
import pytest
import requests
from psycopg.sql import SQL, Identifier

from loadtests.harness.tenants import ROUND_THE_CLOCK, Tenant, TenantClient, open_tenant
from tests.databases import Databases, fresh_databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.servers import Servers
from tests.site import confirm_email

pytestmark = pytest.mark.row("H1")

MARK = "Zq-confidential"
"""Part of every text that the attacked business stores."""
DAY = "2031-05-05"
WINDOW = {"start": f"{DAY}T08:00:00Z", "end": f"{DAY}T18:00:00Z", "first": DAY, "last": DAY, "date": DAY}
CREATING = (
    *("create_resource", "add_guest", "book", "book_series", "join_waitlist", "block_time", "invite", "create_token"),
    *("create_webhook", "test_webhook", "list_webhook_deliveries", "create_calendar_feed", "create_calendar_import"),
)
"""Operations whose replies contain an id for each path parameter of the API."""
UNUSED = frozenset({"session_id"})
"""Path parameters outside of businesses."""

Body = Any


@dataclass(frozen=True)
class ApiOperation:
    name: str
    method: str
    path: str
    query: tuple[str, ...]
    example: Body
    public: bool

    @property
    def parameters(self) -> list[str]:
        return re.findall(r"\{(\w+)\}", self.path)


@dataclass
class ForeignRequests:
    """Sends the operations of the document, with the ids and the texts of the attacked business."""

    site: GunicornSite
    ids: dict[str, str] = field(default_factory=dict)
    text: str = MARK
    day: int = 0

    def send(self, operation: ApiOperation, slug: str, headers: dict[str, str]) -> requests.Response:
        names = {"slug": slug, "date": DAY, **self.ids}
        path = operation.path.format_map(names)
        query = {name: value for name in operation.query if (value := self._value(name, WINDOW.get(name))) is not None}
        url = f"{self.site.url}/api/v1{path}?{urlencode(query)}" if query else f"{self.site.url}/api/v1{path}"
        body = None if operation.example is None else json.dumps(self._filled("", operation.example))
        given = {"Idempotency-Key": str(uuid4()), "Content-Type": "application/json", **headers}
        return requests.request(operation.method, url, data=body, headers=given, timeout=30, allow_redirects=False)

    def remember(self, reply: Body) -> None:
        """Keep the first id of each name."""
        for name, value in _pairs(reply):
            if name.endswith("_id") and isinstance(value, str):
                self.ids.setdefault(name, value)

    def _filled(self, name: str, example: Body) -> Body:
        if isinstance(example, dict):
            return {each: self._filled(each, value) for each, value in example.items()}
        if isinstance(example, list):
            return [self._filled(name.removesuffix("s"), each) for each in example]
        return self._value(name, example)

    def _value(self, name: str, otherwise: Body) -> Body:
        if name == "starts_at":
            self.day += 1
            return f"2031-{self.day // 28 + 1:02}-{self.day % 28 + 1:02}T09:00:00Z"
        if name in ("name", "note", "reason"):
            return self.text
        single = name.removeprefix("from_").removesuffix("s") if name.endswith("_ids") else name.removeprefix("from_")
        return self.ids.get(single, otherwise)


def _pairs(value: Body) -> Iterator[tuple[str, Body]]:
    for name, each in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield str(name), each
        yield from _pairs(each)


def operations(site: GunicornSite) -> list[ApiOperation]:
    """Return the operations on a business, in the order of the document."""
    document = requests.get(f"{site.url}/api/v1/openapi.json", timeout=10).json()
    return [
        ApiOperation(
            each["operationId"],
            method.upper(),
            path,
            tuple(p["name"] for p in each.get("parameters", ()) if p["in"] == "query" and _selects(p)),
            each.get("requestBody", {}).get("content", {}).get("application/json", {}).get("example"),
            {} in each.get("security", [{}]),
        )
        for path, methods in document["paths"].items()
        for method, each in methods.items()
        if "{slug}" in path
    ]


def _selects(parameter: Body) -> bool:
    return bool(parameter.get("required")) or parameter["name"].endswith(("_id", "_ids"))


@pytest.fixture(scope="module")
def shop_databases(servers: Servers) -> Iterator[Databases]:
    with fresh_databases(servers) as databases:
        yield databases


@pytest.fixture(scope="module")
def site(shop_databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GunicornSite]:
    with gunicorn_site(shop_databases, tmp_path_factory.mktemp("tenancy"), WEB_WORKERS="1") as site:
        yield site


@pytest.fixture(scope="module")
def salon(site: GunicornSite) -> Tenant:
    return open_tenant(site.port, 1, ROUND_THE_CLOCK._replace(name=f"{MARK} salon", offering=f"{MARK} cut"))


@pytest.fixture(scope="module")
def bakery(shop_databases: Databases, site: GunicornSite) -> Tenant:
    found = open_tenant(site.port, 1, ROUND_THE_CLOCK)
    confirm_email(shop_databases, f"{found.slug}@example.test")
    return found


@pytest.fixture(scope="module")
def of_salon(shop_databases: Databases, site: GunicornSite, salon: Tenant) -> ForeignRequests:
    """Requests with the salon's ids, one for each path parameter."""
    confirm_email(shop_databases, f"{salon.slug}@example.test")
    asking, by_name = ForeignRequests(site), {each.name: each for each in operations(site)}
    asking.ids |= {"offering_id": salon.offering_id, "provider_id": salon.providers[0]}
    asking.ids |= {"user_id": user_id(salon.owner), "customer_id": user_id(salon.register_customer()), "number": "1"}
    for name in CREATING:
        reply = asking.send(by_name[name], salon.slug, salon.owner.headers)
        assert reply.ok, (name, reply.text)
        asking.remember(reply.json() if reply.content else {})
    asking.text = "Loaf"
    return asking


def user_id(client: TenantClient) -> str:
    found: str = client.call("GET", "/me")["user"]["user_id"]
    return found


def stored(databases: Databases, business_id: str) -> dict[str, list[str]]:
    """Return every row of a business, in all schemas, as text."""
    with psycopg.connect(databases.monolith_admin_url) as admin:
        tables = admin.execute("""
            SELECT table_schema, table_name FROM information_schema.columns JOIN information_schema.tables
             USING (table_schema, table_name) WHERE column_name = 'business_id' AND table_type = 'BASE TABLE'
        """).fetchall()
        return {
            f"{schema}.{table}": sorted(
                row[0]
                for row in admin.execute(
                    SQL("SELECT t::text FROM {}.{} t WHERE business_id = %s").format(
                        Identifier(schema), Identifier(table)
                    ),
                    (business_id,),
                )
            )
            for schema, table in tables
        }


def callers(bakery: Tenant) -> dict[str, dict[str, str]]:
    token = bakery.owner.call("POST", f"{bakery.path}/tokens", {"name": "till", "role": "staff"})["secret"]
    return {
        "owner": bakery.owner.headers,
        "customer": bakery.register_customer().headers,
        "token": {"Authorization": f"Bearer {token}"},
        "anonymous": {},
    }


def test_ids_of_another_business_are_absent_in_every_operation(
    shop_databases: Databases, site: GunicornSite, salon: Tenant, bakery: Tenant, of_salon: ForeignRequests
) -> None:
    before, wrong = stored(shop_databases, salon.business_id), []
    assert sum(map(len, before.values())) > 30
    for operation in operations(site):
        named = set(operation.parameters) - {"slug", "date"}
        assert named <= of_salon.ids.keys(), f"the test needs an id of the salon: {named - of_salon.ids.keys()}"
        reply = of_salon.send(operation, bakery.slug, bakery.owner.headers)
        # Billing does not know the services of scheduling: the price of an unknown one is stored, and never charged.
        names_others = bool(named) or ("_id" in str(operation.example) and operation.name != "set_price")
        if MARK in reply.text or (names_others and reply.status_code != 404):
            wrong.append((operation.name, reply.status_code, reply.text))
    assert wrong == []
    assert stored(shop_databases, salon.business_id) == before


def test_accounts_of_another_business_reach_public_operations_only(
    shop_databases: Databases, site: GunicornSite, salon: Tenant, bakery: Tenant, of_salon: ForeignRequests
) -> None:
    before, wrong = stored(shop_databases, salon.business_id), []
    for who, headers in callers(bakery).items():
        for operation in operations(site):
            if operation.name == "join":
                continue  # any account may become a customer
            reply = of_salon.send(operation, salon.slug, headers)
            allowed = operation.public and (operation.method == "GET")
            if not allowed and reply.status_code != (401 if who == "anonymous" else 403):
                wrong.append((who, operation.name, reply.status_code, reply.text))
    assert wrong == []
    assert stored(shop_databases, salon.business_id) == before
