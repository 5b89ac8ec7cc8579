"""Fault 38: a process whose clock is five minutes off. The database's clock decides; service tokens fail closed."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode
from uuid import uuid4

import pytest
import requests

from deploy.devstack.keys import load_keys
from loadtests.generator.businesses import BusinessTemplate
from loadtests.harness.tenants import Tenant, open_tenant
from tests.databases import Databases
from tests.faults.http_site import http_site
from tests.faults.skewed_clock import SUPPORTED, AdjustableClock, build_library, skewed_by
from tests.gunicorn_site import gunicorn_site

EVERY_MINUTE = BusinessTemplate("Skewed", "UTC", "Skewed", 1, "00:00", "24:00")
SKEWS = (-300, 300)

pytestmark = [
    pytest.mark.long,
    pytest.mark.skipif(not SUPPORTED and "CI" not in os.environ, reason="requires Linux and a C compiler"),
]


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_library(tmp_path_factory.mktemp("skewed"))


def clocks(environment: Mapping[str, str]) -> tuple[float, float]:
    """Return the wall clock and the monotonic clock of a process with this environment."""
    command = [sys.executable, "-c", "import time; print(time.time(), time.monotonic())"]
    found = subprocess.run(
        command, env={**os.environ, **environment}, check=True, capture_output=True, text=True, timeout=60
    )
    wall, monotonic = map(float, found.stdout.split())
    return wall, monotonic


def test_library_shifts_the_wall_clock_of_a_process_only(library: Path, tmp_path: Path) -> None:
    adjustable = AdjustableClock(library, tmp_path / "skew")
    for environment in (skewed_by(library, 300), adjustable.environment):
        adjustable.set(300)
        wall, monotonic = clocks(environment)
        wall_before, monotonic_before = clocks({})
        assert 240 < wall - wall_before < 301
        assert abs(monotonic - monotonic_before) < 60


def test_clock_of_a_running_process_is_shifted_and_set_right(library: Path, tmp_path: Path) -> None:
    clock = AdjustableClock(library, tmp_path / "skew")
    show = "import sys, time\nfor _ in sys.stdin: print(time.time(), flush=True)"
    with subprocess.Popen(
        [sys.executable, "-c", show],
        env={**os.environ, **clock.environment},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for seconds in (0, 300, -300, 0):
            clock.set(seconds)
            process.stdin.write("\n")
            assert abs(float(process.stdout.readline()) - time.time() - seconds) < 60
        process.stdin.close()


def minute(offset: int) -> datetime:
    """Return the full minute that is this many minutes from the current one, by the right clock."""
    return datetime.now(UTC).replace(second=0, microsecond=0) + timedelta(minutes=offset)


def answer_to_booking(port: int, tenant: Tenant, cookie: str, starts_at: datetime) -> tuple[int, str]:
    answer = requests.post(
        f"http://127.0.0.1:{port}/api/v1{tenant.path}/appointments",
        json=tenant.booking(tenant.providers[0], starts_at),
        headers={"Cookie": cookie, "Idempotency-Key": uuid4().hex},
        timeout=30,
    )
    return answer.status_code, answer.json().get("reason") or answer.json().get("code", "")


@pytest.mark.row("F38")
@pytest.mark.parametrize("seconds", SKEWS)
def test_clock_of_the_database_decides_what_is_past(
    databases: Databases, tmp_path: Path, library: Path, seconds: int
) -> None:
    with gunicorn_site(databases, tmp_path, **skewed_by(library, seconds)) as site:
        tenant = open_tenant(site.port, 1, EVERY_MINUTE)
        cookie = tenant.register_customer().cookie
        window = {"start": minute(-30).isoformat(), "end": minute(30).isoformat()}
        query = urlencode({"offering_id": tenant.offering_id, **window})
        listed = tenant.owner.call("GET", f"{tenant.path}/slots?{query}")["slots"]
        assert abs(datetime.fromisoformat(listed[0]["starts_at"]) - minute(1)) <= timedelta(minutes=1)
        assert answer_to_booking(site.port, tenant, cookie, minute(-2)) == (409, "past")
        assert answer_to_booking(site.port, tenant, cookie, minute(3)) == (201, "")


@pytest.mark.row("F38")
@pytest.mark.parametrize("seconds", SKEWS)
def test_tokens_of_a_skewed_monolith_are_refused_and_nothing_is_done(
    databases: Databases, tmp_path: Path, library: Path, seconds: int
) -> None:
    with http_site(databases, tmp_path) as (site, service):
        tenant = open_tenant(site.port, 1, EVERY_MINUTE)
        cookie = tenant.register_customer().cookie
        start = minute(60)
        (tmp_path / "skewed").mkdir()
        settings = {**skewed_by(library, seconds), "SCHEDULING_ADAPTER": "http", "SCHEDULING_SERVICE_URL": service.url}
        settings["SERVICE_TOKEN_SIGNING_KEY"] = load_keys(tmp_path / "keys.json").signing_key
        with gunicorn_site(databases, tmp_path / "skewed", until="/healthz", **settings) as other:
            assert answer_to_booking(other.port, tenant, cookie, start) == (503, "unavailable")
        assert answer_to_booking(site.port, tenant, cookie, start) == (201, "")
