"""The OpenAPI document matches the endpoints."""

import re
from typing import Any

import msgspec
import pytest

from contracts.chassis import decoding
from monolith.modules.auth.module import build_auth
from monolith.modules.billing.module import build_billing
from monolith.modules.calendars.module import build_calendars
from monolith.modules.notifications.module import build_notifications
from monolith.modules.scheduling import routes
from monolith.modules.scheduling.adapters.in_process import in_process_scheduling
from monolith.modules.scheduling.catalog_endpoints import catalog_endpoints
from monolith.modules.scheduling.onboarding import business_opener, business_updater
from monolith.modules.scheduling.personal_data import personal_data_endpoints
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import AnyEndpoint
from monolith.shared.endpoints.openapi import document as openapi_document
from tests.databases import Databases
from tests.site import QUICK, Client, Site

METHODS = {"get", "post", "put", "patch", "delete"}


def references(value: Any) -> set[str]:
    if isinstance(value, dict):
        own = {value["$ref"]} if "$ref" in value else set()
        return own.union(*(references(each) for each in value.values()))
    return set().union(*(references(each) for each in value)) if isinstance(value, list) else set()


def document(site: Site) -> dict[str, Any]:
    answer = site.client().get("/openapi.json")
    assert answer.headers["Content-Type"] == "application/json"
    described: dict[str, Any] = answer.json()
    return described


def test_document_describes_every_endpoint(site: Site) -> None:
    described = document(site)
    assert described["openapi"] == "3.1.0"
    assert described["servers"] == [{"url": f"{site.url}/api/v1"}]
    found = {
        (path, method, operation["operationId"])
        for path, methods in described["paths"].items()
        for method, operation in methods.items()
    }
    assert found == {(e.path, e.method.lower(), e.name) for e in site.auth.endpoints}


def test_references_resolve_and_path_parameters_are_described(site: Site) -> None:
    described = document(site)
    for reference in references(described):
        target = described
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]
    for path, methods in described["paths"].items():
        for operation in methods.values():
            in_path = {p["name"] for p in operation["parameters"] if p["in"] == "path"}
            assert in_path == set(re.findall(r"{(\w+)}", path))
            assert {"200", "201", "204"} & set(operation["responses"])
            assert operation["summary"]


def test_document_describes_access(site: Site) -> None:
    paths = document(site)["paths"]
    assert {} in paths["/businesses/{slug}"]["get"]["security"]
    assert paths["/businesses/{slug}/tokens"]["post"]["security"] == [{"session": []}, {"apiToken": []}]
    assert paths["/me/password"]["post"]["security"] == [{"session": []}], "a token must not change a password"
    key = [p for p in paths["/signup"]["post"]["parameters"] if p["in"] == "header"]
    assert [p["name"] for p in key] == ["Idempotency-Key"]


def test_undocumented_paths_do_not_exist(site: Site, owner: Client) -> None:
    described = document(site)["paths"]
    for path, methods in described.items():
        url = path.replace("{slug}", "salon").replace("{token_id}", "x")
        for method in METHODS - set(methods):
            assert owner.request(method.upper(), url).status_code == 405, (method, path)
        assert owner.request("OPTIONS", url).status_code == 405


def test_every_field_and_every_error_code_is_described(wired: dict[str, Any]) -> None:
    undescribed = {
        f"{name}.{field}"
        for name, schema in wired["components"]["schemas"].items()
        for field, described in schema.get("properties", {}).items()
        if not described.get("description")
    }
    assert undescribed == set()
    parameters = [
        (path, each["name"], each.get("description"))
        for path, methods in wired["paths"].items()
        for operation in methods.values()
        for each in operation["parameters"]
    ]
    assert [each for each in parameters if not each[2]] == []
    cancel = wired["paths"]["/businesses/{slug}/appointments/{appointment_id}/cancel"]["post"]
    assert {"400", "401", "403", "404", "409", "422", "503", "504"} <= set(cancel["responses"])
    assert "`policy_refused`" in cancel["responses"]["409"]["description"]
    assert "Needs an Idempotency-Key" in cancel["description"]
    for call in re.findall(r"`(GET|POST|PUT) (/[^`]+)`", wired["info"]["description"]):
        assert call[0].lower() in wired["paths"][call[1]]


def test_examples_are_valid(databases: Databases) -> None:
    endpoints = wired_endpoints(databases)
    described = msgspec.json.decode(openapi_document(endpoints, "https://book.example"))
    for endpoint in endpoints:
        if endpoint.body is not None:
            operation = described["paths"][endpoint.path][endpoint.method.lower()]
            decoding.convert(operation["requestBody"]["content"]["application/json"]["example"], endpoint.body)


def test_parameters_show_the_format_of_ids_and_times(wired: dict[str, Any]) -> None:
    search = wired["paths"]["/businesses/{slug}/slots"]["get"]["parameters"]
    examples = {each["name"]: each["example"] for each in search if each.get("required")}
    assert sorted(examples) == ["end", "offering_id", "slug", "start"]
    assert examples["start"] == "2030-05-06T08:00:00Z"


@pytest.fixture
def wired(databases: Databases) -> dict[str, Any]:
    described: dict[str, Any] = msgspec.json.decode(openapi_document(wired_endpoints(databases), "https://a.example"))
    return described


def wired_endpoints(databases: Databases) -> list[AnyEndpoint]:
    """Return every endpoint of the product. Connects to no database."""
    url, secret = databases.monolith_url, databases.role_secret
    port = in_process_scheduling(url, secret, pool_size=1)
    auth = build_auth(
        ModuleDatabase(url, role="auth_app", secret=secret, pool_size=1),
        open_scheduling=business_opener(port),
        update_scheduling=business_updater(port),
        public_url="https://a.example",
        cookie_secrets=[secret],
        hashing=QUICK,
    )
    billing = build_billing(ModuleDatabase(url, role="billing_app", secret=secret, pool_size=1))
    notifications = build_notifications(ModuleDatabase(url, role="notifications_app", secret=secret, pool_size=1))
    calendars_database = ModuleDatabase(url, role="calendars_app", secret=secret, pool_size=1)
    calendars = build_calendars(calendars_database, port, auth.api, "https://a.example")
    return [
        *auth.endpoints,
        *billing.endpoints,
        *notifications.endpoints,
        *calendars.endpoints,
        *routes.endpoints(port, auth.api.customer_names),
        *catalog_endpoints(port),
        *personal_data_endpoints(port, auth.api, billing.api, notifications.api),
    ]
