"""The Locust file in Locust's own ways: real Locust processes against a booking API."""

import csv
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import msgspec
import pytest
import requests

from deploy.devstack.program import ROOT
from loadtests.generator.arrivals import Arrival
from loadtests.generator.journeys import SESSION_MIX, module_of
from loadtests.generator.results import StoredRun, read_runs
from loadtests.generator.workload import Workload, restrict
from tests.e2e.booking_api import BookingApi, business_file, serving
from tests.polling import eventually

RATE, SECONDS = 40, 4
PATIENT = ("--max-send-delay", "10s")
"""Several test processes share the machine, so the generator may be late."""


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def command(folder: Path, host: str, *options: object) -> list[str]:
    businesses = folder / "load.json"
    businesses.write_bytes(msgspec.json.encode(business_file("in_process", "http")))
    file = ROOT / "loadtests/generator/locustfile.py"
    fixed = ("-f", file, "--host", host, "--businesses", businesses, *PATIENT)
    return [sys.executable, "-m", "locust", *map(str, (*fixed, *options))]


def run_headless(folder: Path, host: str, *options: object) -> "subprocess.CompletedProcess[str]":
    load = ("--headless", "-u", RATE, "-r", 20, "-t", f"{SECONDS}s")
    return subprocess.run(
        command(folder, host, *load, *options), cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )


@contextmanager
def running(arguments: list[str], output: Path) -> Iterator["subprocess.Popen[bytes]"]:
    """Run a Locust process within the block; a failing test leaves none behind."""
    with output.open("wb") as file, subprocess.Popen(arguments, cwd=ROOT, stdout=file, stderr=file) as process:
        try:
            yield process
        finally:
            process.kill()


def planned(journeys: set[str], seed: int = 1) -> list[Arrival]:
    """Return what the schedule of `run_headless` contains."""
    workload = Workload(
        scenario="steady", rate=RATE, seconds=SECONDS, seed=seed, hosts={"*": [""]}, businesses=[],
        mix=dict(SESSION_MIX), rise_seconds=RATE / 20,
    )  # fmt: skip
    return restrict(workload.arrivals(), journeys)


def the_run(folder: Path) -> StoredRun:
    (run,) = read_runs(folder)
    return run


def test_headless_run_draws_the_rate_and_writes_reports(tmp_path: Path) -> None:
    port, results = free_port(), tmp_path / "results"
    files = ("--csv", tmp_path / "stats", "--csv-full-history", "--html", tmp_path / "report.html")
    checks = ("--threshold", "failed<1%", "--threshold", "reserve.kept>=1%", "--junit", tmp_path / "junit.xml")
    load = ("--headless", "-u", RATE, "-r", 20, "-t", f"{SECONDS}s", "--metrics-port", port, "--results", results)
    with (
        serving(BookingApi()) as api,
        running(command(tmp_path, api.host, *load, *files, *checks), tmp_path / "log") as locust,
    ):
        page = eventually(lambda: scrape(port, 'outcome="completed"'), "a completed session in the metrics")
        assert locust.wait(60) == 0, (tmp_path / "log").read_text()
    assert 'loadtest_requests_total{journey="search",module="scheduling",outcome="ok",side="in_process"}' in page
    run = the_run(results)
    assert run.description.problems == []
    assert len({row.arrival for row in run.rows}) + run.report.skipped == run.report.planned
    history = csv.DictReader((tmp_path / "stats_stats_history.csv").open())
    assert max(int(line["User Count"]) for line in history) == RATE
    assert "hold" in (tmp_path / "report.html").read_text()
    cases = ElementTree.parse(tmp_path / "junit.xml").getroot().findall(".//testcase")
    assert [case.get("name") for case in cases] == ["the generator kept its schedule", "failed<1%", "reserve.kept>=1%"]
    assert not ElementTree.parse(tmp_path / "junit.xml").getroot().findall(".//failure")


def scrape(port: int, expected: str) -> str:
    """Return the page of metrics when it contains the text, else an empty text."""
    try:
        page = requests.get(f"http://127.0.0.1:{port}/metrics", timeout=5).text
    except requests.ConnectionError:
        return ""
    return page if expected in page else ""


@pytest.mark.long
def test_tags_and_processes_share_one_schedule(tmp_path: Path) -> None:
    """Two workers send exactly the tagged part of the schedule, once. A missed threshold sets the exit code."""
    master = free_port()
    with serving(BookingApi(failing=frozenset({"invoices"}))) as api:
        done = run_headless(
            tmp_path, api.host, "--processes", 2, "--master-bind-port", master, "--master-port", master,
            "--tags", "billing", "reserve", "--exclude-tags", "prices",
            "--threshold", "errors<1%", "--results", tmp_path / "results",
        )  # fmt: skip
    assert done.returncode == 1, done.stderr
    assert "NOT OK  errors<1% (in_process)" in done.stdout
    assert {resource for resource, _, _ in api.received} == {"slots", "holds", "confirm", "invoices"}
    run, expected = the_run(tmp_path / "results"), planned({"invoices", "reserve"})
    first = {row.arrival: (round(row.due, 3), row.session or row.journey) for row in run.rows if row.step == 0}
    assert first == {arrival.number: (round(arrival.at, 3), arrival.journey) for arrival in expected}
    assert run.description.problems == []
    assert {module_of(name) for name in run.description.journeys} == {"billing", "scheduling"}


@pytest.mark.long
def test_web_interface_starts_several_runs_on_distributed_workers(tmp_path: Path) -> None:
    """The second run loses a worker: its arrivals are missing, so nothing can be claimed."""
    web, bind = free_port(), free_port()
    address, results = f"http://127.0.0.1:{web}", tmp_path / "results"
    options = ("--master", "--master-bind-port", bind, "--web-port", web, "--web-host", "127.0.0.1")
    claims = ("--threshold", "failed<50%", "--results", results)
    worker = ("--worker", "--master-port", bind)
    with serving(BookingApi()) as api, ExitStack() as stack:
        master = stack.enter_context(running(command(tmp_path, api.host, *options, *claims), tmp_path / "master"))
        workers = [
            stack.enter_context(running(command(tmp_path, api.host, *worker), tmp_path / f"worker-{number}"))
            for number in range(2)
        ]
        eventually(lambda: state(address).get("workers", []) and len(state(address)["workers"]) == 2, "two workers")
        assert swarm(address, seed=5, seconds=3)["success"]
        eventually(lambda: (results / "in_process" / "run.json").exists(), "the results of the first run")
        first = the_run(results)
        eventually(lambda: state(address)["state"] in ("stopped", "ready"), "the end of the first run")
        assert (first.description.seed, first.description.seconds, first.description.problems) == (5, 3.0, [])
        assert len({row.arrival for row in first.rows}) + first.report.skipped == first.report.planned
        assert "ArrivalRate" in requests.get(f"{address}/stats/report", timeout=10).text

        (results / "in_process" / "run.json").unlink()
        sent = len(api.received)
        swarm(address, seed=6, seconds=8, threshold="speed<1")
        eventually(lambda: (tmp_path / "master").read_text().count("Shape test stopping") == 2, "the refused run's end")
        assert "unknown metric 'speed'" in (tmp_path / "master").read_text()
        assert len(api.received) == sent
        # Locust ignores a start while it is still stopping.
        again: dict[str, Any] = {"seed": 6, "seconds": 8, "threshold": "failed<50%"}
        eventually(lambda: swarm(address, **again) and len(api.received) > sent, "requests of the second run")
        eventually(lambda: len(api.received) > sent + 20, "more requests of the second run")
        workers[0].kill()
        eventually(lambda: (results / "in_process" / "run.json").exists(), "the results of the second run")
        (problem,) = the_run(results).description.problems
        assert re.fullmatch(r"\d+ of \d+ planned arrivals left no row", problem)
        master.send_signal(signal.SIGTERM)
        assert master.wait(60) == 3, (tmp_path / "master").read_text()
    assert "no threshold can be claimed" in (tmp_path / "master").read_text()


def state(address: str) -> dict[str, Any]:
    try:
        found: dict[str, Any] = requests.get(f"{address}/stats/requests", timeout=5).json()
    except requests.ConnectionError:
        return {}
    return found


def swarm(address: str, *, seconds: int, **more: object) -> dict[str, Any]:
    """Start a run with the form of the start page."""
    form = {"user_count": 30, "spawn_rate": 30, "run_time": f"{seconds}s", "scenario": "steady", **more}
    started: dict[str, Any] = requests.post(f"{address}/swarm", data=form, timeout=30).json()
    return started


@pytest.mark.parametrize(
    "options, message",
    [
        (("--threshold", "speed<1"), "threshold 'speed<1' has an unknown metric 'speed'"),
        (("--side", "http", "--tags", "lunch"), "no journey is left after --tags and --exclude-tags"),
    ],
)
def test_unusable_options_end_the_run_with_one_line(tmp_path: Path, options: tuple[str, ...], message: str) -> None:
    done = run_headless(tmp_path, "http://127.0.0.1:9", *options)
    assert done.returncode == 2, done.stderr
    assert f"load: {message}" in done.stderr
