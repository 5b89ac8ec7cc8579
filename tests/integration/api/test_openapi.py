"""The OpenAPI document matches the endpoints."""

import re
from typing import Any

from tests.site import Client, Site

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
