"""`extraction load` on a demo of its own: thresholds, results, their comparison. And what Prometheus sees of it."""

import json
from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree

import pytest
import requests
from prometheus_client import generate_latest

from deploy.cli.options import current_actor
from deploy.devstack.ports import free_port
from loadtests.generator.metrics import GeneratorMetrics
from loadtests.generator.results import StoredRun, read_runs
from tests.deploy.monitoring import queries, recorded
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.promql import exposed_names, unknown_names
from tests.polling import eventually

FLIP_REASON = "to see its metrics"
SLOWLY = ("--seconds", "6", "--rate", "20", "--max-send-delay", "10s", "--limit", "20s")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    metrics_ports = {f"{process}_METRICS_PORT": str(free_port()) for process in ("WORKER", "RELAY", "CUTOVER")}
    installation = new_installation(tmp_path_factory.mktemp("demo") / "data", **metrics_ports)
    with Demo(installation, "--no-seed"):
        yield installation


@pytest.fixture(scope="module")
def measured(demo: Installation) -> list[StoredRun]:
    """Both adapters under load, with thresholds that they satisfy."""
    checks = ("--threshold", "failed<=0", "--threshold", "reserve.completed>=50%")
    files = ("--results", str(demo.data / "results"), "--junit", str(demo.data / "junit.xml"))
    done = demo.extraction("load", *SLOWLY, *checks, *files)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "reserve (in_process): " in done.stdout
    return read_runs(demo.data / "results")


def test_sessions_hold_and_confirm_through_each_adapter(demo: Installation, measured: list[StoredRun]) -> None:
    assert [run.description.side for run in measured] == ["http", "in_process"]
    for run in measured:
        confirmed = [row for row in run.rows if (row.journey, row.outcome) == ("confirm", "ok")]
        assert confirmed, run.folder
        assert {row.session for row in confirmed} == {"reserve"}
    names = {case.get("name") for case in ElementTree.parse(demo.data / "junit.xml").getroot().iter("testcase")}
    assert names == {"the generator kept its schedule", "failed<=0", "reserve.completed>=50%"}


def test_load_chooses_the_adapter_of_its_own_businesses_only(demo: Installation, measured: list[StoredRun]) -> None:
    entries = [json.loads(line) for line in demo.extraction("audit", "--json", "--limit", "1000").stdout.splitlines()]
    chosen = [(entry["actor"], entry["after"]) for entry in entries if entry["action"] == "adapter.chosen"]
    assert sorted(chosen) == [(current_actor(), "http"), (current_actor(), "in_process")]
    flips = [entry["reason"] for entry in entries if entry["subject"] == "scheduling.adapter"]
    assert set(flips) <= {FLIP_REASON}, "only another test of this file has set the flag"


@pytest.mark.long
def test_load_of_a_host_uses_its_public_api_only(demo: Installation, tmp_path: Path) -> None:
    short = ("--seconds", "1", "--rate", "10", "--max-send-delay", "10s", "--limit", "20s")
    for _ in range(2):
        done = demo.extraction("load", *short, "--host", demo.url, DATA_DIR=str(tmp_path))
        assert done.returncode == 0, done.stdout + done.stderr
        assert "target: " in done.stdout
    assert ("opening" in done.stdout, len(list(tmp_path.iterdir()))) == (False, 1), "used again, and nothing else"


def test_adapters_receive_the_same_arrivals_and_searches(measured: list[StoredRun]) -> None:
    arrivals = [
        {(row.arrival, row.journey, round(row.due, 4)) for row in run.rows if row.step == 0} for run in measured
    ]
    # Cancellations and reschedulings depend on the bookings that were answered before.
    chosen = [{row for row in found if row[1] not in ("cancel", "reschedule")} for found in arrivals]
    assert chosen[0] == chosen[1]


def test_compare_refuses_to_claim_from_few_requests(demo: Installation, measured: list[StoredRun]) -> None:
    folders = [str(run.folder) for run in measured]
    done = demo.extraction("load", "compare", *folders)
    assert (done.returncode, "too few requests" in done.stdout) == (3, True), done.stdout + done.stderr
    refused = demo.extraction("load", "compare", folders[0], str(demo.data))
    assert refused.returncode == 2
    assert "has no results" in refused.stderr


@pytest.mark.parametrize(
    "options, code, message",
    [
        (("--threshold", "scheduling.p99<1ms"), 1, "NOT OK  scheduling.p99<1ms"),
        (("--threshold", "errors<100%", "--max-send-delay", "0s"), 3, "INVALID: the generator was late"),
        (("--threshold", "speed<1"), 2, "has an unknown metric 'speed'"),
        (("--limit", "lunch=1s"), 2, "'lunch' is unknown"),
    ],
)
def test_exit_code_of_a_run(
    demo: Installation, measured: list[StoredRun], options: tuple[str, ...], code: int, message: str
) -> None:
    done = demo.extraction("load", "--seconds", "1", "--rate", "10", "--max-send-delay", "10s", *options)
    assert (done.returncode, message in done.stdout + done.stderr) == (code, True), done.stdout + done.stderr


def test_dashboards_alerts_and_runbooks_query_series_that_exist(demo: Installation, measured: list[StoredRun]) -> None:
    started = demo.extraction("replicate", "start")
    assert started.returncode == 0, started.stderr
    moved = demo.extraction("flag", "set", "http", "--all", "--reason", FLIP_REASON)
    assert moved.returncode == 0, moved.stderr
    shadowed = demo.extraction("shadow", "set", "100")
    assert shadowed.returncode == 0, shadowed.stderr
    eventually(lambda: shadow_reads(demo), "shadow reads")
    recorded_series: dict[str, set[str]] = {name: set() for name in recorded()}
    pages = [generator_page(measured), *server_pages(demo), *background_pages(demo)]
    exposed = {**exposed_names(pages), **recorded_series}
    checked = list(queries())
    assert len(checked) > 100
    assert {place: unknown for place, query in checked if (unknown := unknown_names(query, exposed))} == {}


def generator_page(measured: list[StoredRun]) -> str:
    metrics = GeneratorMetrics()
    for run in measured:
        for row in run.rows:
            metrics.count(row)
    return generate_latest(metrics.registry).decode()


def server_pages(demo: Installation) -> list[str]:
    described = json.loads((demo.data / "run" / "environment.json").read_text())
    addresses = {"monolith": demo.url, "scheduling": f"http://127.0.0.1:{demo.ports['SCHEDULING_PORT']}"}
    pages = []
    for deployable, address in addresses.items():
        token = {"Authorization": f"Bearer {described[deployable]['METRICS_TOKEN']}"}
        answer = requests.get(f"{address}/metrics", headers=token, timeout=10)
        answer.raise_for_status()
        pages.append(answer.text)
    return pages


def shadow_reads(demo: Installation) -> bool:
    """Search, and return whether a shadow read was counted."""
    slug = json.loads(demo.extraction("status", "--json").stdout)["businesses"][0]["business"]
    requests.get(f"{demo.url}/b/{slug}", timeout=10)
    return any("monolith_shadow_reads_total{" in page for page in server_pages(demo))


def background_pages(demo: Installation) -> list[str]:
    """Return the metrics pages of worker, relay and cutover daemon."""
    ports = [demo.given[f"{process}_METRICS_PORT"] for process in ("WORKER", "RELAY", "CUTOVER")]
    answers = [requests.get(f"http://127.0.0.1:{port}/metrics", timeout=10) for port in ports]
    return [answer.text for answer in answers]
