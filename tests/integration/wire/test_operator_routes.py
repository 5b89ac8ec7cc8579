"""The routes for operators, and the request log."""

import json
import re
from pathlib import Path
from uuid import uuid4

import psycopg
import requests

from contracts.chassis.schema_versions import compatibility_comment
from contracts.scheduling.context import SYSTEM
from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import Caller
from tests.databases import Databases
from tests.faults.service import SchedulingWeb
from tests.integration.wire.client import RawClient
from tests.polling import eventually

ROOT = Path(__file__).resolve().parents[3]


def test_the_service_is_healthy_and_ready(web: SchedulingWeb) -> None:
    assert requests.get(f"{web.url}/healthz", timeout=5).text == "ok\n"
    assert requests.get(f"{web.url}/readyz", timeout=5).text == "ready\n"


def test_the_service_is_healthy_but_not_ready_without_its_database(
    service_databases: Databases, keys: Keys, tmp_path: Path
) -> None:
    away = "postgresql://127.0.0.1:9/scheduling"
    with SchedulingWeb(service_databases, keys, tmp_path, SCHEDULING_DATABASE_URL=away, ready_path="/healthz") as web:
        response = requests.get(f"{web.url}/readyz", timeout=5)
        assert (response.status_code, response.text) == (503, "not ready\n"), "reasons are for operators"
        operator = {"Authorization": f"Bearer {keys.metrics_token}"}
        response = requests.get(f"{web.url}/readyz", headers=operator, timeout=5)
        assert "database is unreachable" in response.text
        assert response.text.count("\n") == 1
        client = RawClient(web.url, signer_from(keys.signing_key), Caller(uuid4(), SYSTEM))
        unavailable = client.get("/v1/offerings")
        assert unavailable.status_code == 503
        assert int(unavailable.headers["Retry-After"]) >= 1
        web.kill_all()


def test_the_service_is_ready_on_a_newer_schema_only_if_it_serves_this_code(
    databases: Databases, keys: Keys, tmp_path: Path
) -> None:
    with SchedulingWeb(databases, keys, tmp_path) as web:

        def readiness(statement: str) -> tuple[int, str]:
            with psycopg.connect(databases.scheduling_admin_url, autocommit=True) as administrator:
                administrator.execute(statement.encode())
            operator = {"Authorization": f"Bearer {keys.metrics_token}"}
            response = requests.get(f"{web.url}/readyz", headers=operator, timeout=5)
            return response.status_code, response.text

        def comment(oldest_code: str) -> str:
            text = compatibility_comment(oldest_code)
            return f"COMMENT ON TABLE scheduling.alembic_version IS '{text}'"

        status, text = readiness(f"UPDATE scheduling.alembic_version SET version_num = '9999'; {comment('9999')}")
        assert (status, "run `extraction db setup scheduling`" in text) == (503, True)
        assert readiness(comment("0001")) == (200, "ready\n")
        assert readiness(comment("9998"))[0] == 503
        assert readiness("UPDATE scheduling.alembic_version SET version_num = '0001'")[0] == 503
        web.kill_all()


def test_metrics_require_the_token(web: SchedulingWeb, keys: Keys, client: RawClient) -> None:
    client.get("/v1/offerings")
    client.create_offering({})
    for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": keys.metrics_token}):
        assert requests.get(f"{web.url}/metrics", headers=headers, timeout=5).status_code == 404
    metrics = requests.get(
        f"{web.url}/metrics", headers={"Authorization": f"Bearer {keys.metrics_token}"}, timeout=5
    ).text
    assert re.search(r'http_request_seconds_count\{operation="list_offerings",status="200"\} [1-9]', metrics)
    assert re.search(r'http_request_seconds_count\{operation="create_offering",status="400"\} [1-9]', metrics)
    assert re.search(r'http_cpu_seconds_total\{operation="list_offerings"\} 0\.0', metrics)
    assert re.search(r"^scheduling_http_in_flight 0", metrics, re.MULTILINE)
    assert re.search(r"^scheduling_http_processes [1-9]", metrics, re.MULTILINE)
    assert re.search(r"^scheduling_http_threads [1-9]", metrics, re.MULTILINE)


def test_the_service_serves_its_openapi_document(web: SchedulingWeb) -> None:
    served = requests.get(f"{web.url}/openapi.json", timeout=5)
    assert served.headers["Content-Type"] == "application/json"
    assert served.content == (ROOT / "contracts/scheduling/openapi.json").read_bytes()


def test_each_call_logs_one_json_line(web: SchedulingWeb, client: RawClient) -> None:
    request_id = uuid4().hex
    client.get("/v1/offerings?limit=%0d%0a{}", X_Request_Id=request_id)
    lines = eventually(
        lambda: [line for line in web.log.read_text().splitlines() if request_id in line], "its line in the log", 5
    )
    assert len(lines) == 1
    line = json.loads(lines[0])
    assert {"ts", "level", "trace_id", "business", "ms"} <= line.keys()
    assert (line["operation"], line["status"], line["request_id"]) == ("list_offerings", 400, request_id)
