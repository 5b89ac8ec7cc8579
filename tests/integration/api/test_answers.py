"""Properties of every response: problem details, request ids, logs, metrics, health."""

import re
from dataclasses import replace

import pytest
from flask import Blueprint

from contracts.chassis.problem import Problem
from contracts.chassis.schema_versions import compatibility_comment
from monolith.app import create_app
from tests.site import METRICS_TOKEN, Client, Site, application

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_errors_are_problem_details(site: Site) -> None:
    answer = site.client().get("/me")
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert set(answer.json()) == {"title", "status", "detail", "code"}
    assert answer.json()["status"] == answer.status_code


@pytest.mark.parametrize("path", ["/nothing", "/", "/me/", "//me", "/businesses/salon/", "/businesses/A%2fB"])
def test_unknown_path_is_404(site: Site, path: str) -> None:
    answer = site.client().get(path)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "application/problem+json")


def test_request_id_is_kept_or_generated(site: Site) -> None:
    given = site.client().get("/me", headers={"X-Request-Id": "mine-1"})
    assert given.headers["X-Request-Id"] == "mine-1"
    for bad in ("x" * 65, "two words", "a;b"):
        made = site.client().get("/me", headers={"X-Request-Id": bad, "traceparent": TRACEPARENT})
        assert re.fullmatch("[0-9a-f]{16}", made.headers["X-Request-Id"])


def test_every_request_is_logged_in_one_line(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", "monolith.request"):
        site.client().get("/me", headers={"X-Request-Id": "mine-1", "traceparent": TRACEPARENT})
        site.client().get("/nothing")
    first, second = [record.__dict__["fields"] for record in caplog.records if record.name == "monolith.request"]
    assert first | {"ms": 0} == {
        "request_id": "mine-1",
        "trace_id": "0af7651916cd43dd8448eb211c80319c",
        "module": "auth",
        "endpoint": "me",
        "method": "GET",
        "path": "/api/v1/me",
        "status": 401,
        "ms": 0,
    }
    assert (second["module"], second["endpoint"]) == ("none", "unmatched")


def test_metrics_are_labelled_by_module_and_endpoint(site: Site, owner: Client) -> None:
    owner.get("/me")
    text = metrics(site)
    assert 'monolith_http_request_seconds_count{endpoint="sign_up",module="auth",status="201"} 1.0' in text
    assert 'monolith_http_in_flight{module="auth"} 0.0' in text
    [cpu] = re.findall(r'monolith_http_cpu_seconds_total{endpoint="me",module="auth"} (\S+)', text)
    assert 0 < float(cpu) < 1


def test_unknown_paths_create_no_new_metrics(site: Site) -> None:
    for number in range(20):
        site.client().get(f"/nothing/{number}")
    assert "nothing" not in metrics(site)
    assert 'monolith_http_request_seconds_count{endpoint="unmatched",module="none",status="404"} 20.0' in metrics(site)


def test_health_probe_works_with_any_host_name(site: Site) -> None:
    for path, status in (("/healthz", "ok"), ("/readyz", "ready")):
        answer = site.client().session.get(site.url + path, headers={"Host": "10.0.0.7"}, timeout=5)
        assert (answer.status_code, answer.json()) == (200, {"status": status})


def test_unmigrated_schema_is_not_ready_and_operators_see_why(site: Site) -> None:
    ((newest,),) = site.sql("SELECT version_num FROM auth.alembic_version")
    site.sql("UPDATE auth.alembic_version SET version_num = '0000'")
    answer = site.client().session.get(f"{site.url}/readyz", timeout=5)
    assert (answer.status_code, answer.json()) == (503, {"status": "not ready"})
    operator = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    answer = site.client().session.get(f"{site.url}/readyz", headers=operator, timeout=5)
    assert answer.json()["missing"] == {"auth": f"schema `auth` is not migrated to {newest}: run `extraction db setup`"}
    site.sql("DROP TABLE auth.alembic_version")
    answer = site.client().session.get(f"{site.url}/readyz", headers=operator, timeout=5)
    assert "`extraction db setup`" in answer.json()["missing"]["auth"]


@pytest.mark.row("F46")
def test_newer_schema_is_ready_for_code_that_it_declares_to_serve(site: Site) -> None:
    """As during a rolling upgrade: the schema is migrated while processes of the previous release still run."""
    ((newest,),) = site.sql("SELECT version_num FROM auth.alembic_version")
    next_version = f"{int(newest) + 1:04}"
    site.sql("UPDATE auth.alembic_version SET version_num = %s", next_version)

    def readiness_when_serving_from(version: str) -> int:
        site.sql(f"COMMENT ON TABLE auth.alembic_version IS '{compatibility_comment(version)}'")
        return site.client().session.get(f"{site.url}/readyz", timeout=5).status_code

    assert [readiness_when_serving_from(version) for version in (newest, next_version)] == [200, 503]


def test_errors_are_pages_outside_the_api_and_json_inside(site: Site) -> None:
    pages = Blueprint("web", __name__)

    @pages.get("/broken")
    def broken() -> str:
        raise ZeroDivisionError("a secret of ours")

    parts = application(site.url, site.auth, site.database)
    app = create_app(replace(parts, pages=[pages], error_page=error_page))
    client = app.test_client()
    base = site.url
    page = client.get("/nothing", base_url=base)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert page.text == "<p>404 not_found: There is nothing at this address.</p>"
    assert client.get("/api/v1/nothing", base_url=base).mimetype == "application/problem+json"
    failed = client.get("/broken", base_url=base)
    assert failed.status_code == 500
    assert "secret" not in failed.text
    assert "Traceback" not in failed.text


def error_page(problem: Problem) -> str:
    return f"<p>{problem.status} {problem.code}: {problem.message}</p>"


def metrics(site: Site) -> str:
    headers = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    return site.client().session.get(f"{site.url}/metrics", headers=headers, timeout=5).text
