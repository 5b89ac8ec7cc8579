"""`extraction load` on a demo of its own: thresholds, results, their comparison, and the dashboard's queries."""

import json
from collections.abc import Iterator
from xml.etree import ElementTree

import pytest
import requests
from prometheus_client import generate_latest

from deploy.devstack.program import ROOT
from loadtests.generator.metrics import GeneratorMetrics
from loadtests.generator.results import StoredRun, read_runs
from tests.e2e.demo import Demo, Installation, new_installation
from tests.e2e.promql import exposed_names, query_names

DASHBOARD = ROOT / "deploy/observability/grafana/load-test.json"
SLOWLY = ("--seconds", "6", "--rate", "20", "--max-send-delay", "10s", "--limit", "20s")


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    installation = new_installation(tmp_path_factory.mktemp("demo") / "data")
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


def test_dashboard_queries_series_that_exist(demo: Installation, measured: list[StoredRun]) -> None:
    exposed = exposed_names([generator_page(measured), *server_pages(demo)])
    panels = json.loads(DASHBOARD.read_text())["panels"]
    queries = [target["expr"] for panel in panels for target in panel.get("targets", ())]
    assert len(queries) > 20
    for query in queries:
        metrics, labels = query_names(query)
        assert metrics, query
        assert metrics <= exposed.keys(), query
        assert all(labels <= exposed[metric] for metric in metrics), query


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
