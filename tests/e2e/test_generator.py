"""The load generator as a process of its own: its output files and its error messages."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import msgspec
import pytest

from deploy.devstack.program import ROOT
from loadtests.generator.businesses import Credentials, LoadBusiness
from loadtests.generator.journeys import SESSION_MIX
from loadtests.generator.rows import read_rows
from loadtests.generator.self_report import REPORT_FILE, ROWS_FILE, GeneratorReport
from loadtests.generator.workload import SignedInBusiness, Workload
from loadtests.lab.results.model import MODULES
from tests.e2e.booking_api import BookingApi, business_file, serving
from tests.polling import eventually

SOMEONE = Credentials("a@example.test", "secret")
BUSINESS = SignedInBusiness(
    LoadBusiness("shop", "http", "o1", ["p1"], SOMEONE, [SOMEONE], [SOMEONE]), ["session=1"], "session=2"
)


SHOP = SignedInBusiness(business_file("http").businesses[0], [f"session={number}" for number in range(8)], "session=s")
RESOURCES = ("slots", "holds", "me", "invoices", "prices", "notification-preferences")


class _Refusing(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.send_response(404)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = _refuse

    def log_message(self, *_words: object) -> None:
        """Log no request."""


@pytest.fixture
def host() -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), _Refusing) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@contextmanager
def generating(folder: Path, host: str, **changes: object) -> Iterator["subprocess.Popen[str]"]:
    """Run the generator within the block; a failing test leaves no process behind."""
    given = {"scenario": "daily_peak", "rate": 40.0, "seconds": 2.0, "seed": 3, "warm_up_seconds": 1.0}
    workload = Workload(**{**given, "hosts": {"*": [host]}, "businesses": [BUSINESS], **changes})  # type: ignore[arg-type]
    file = folder / "workload.json"
    file.write_bytes(msgspec.json.encode(workload))
    command = [sys.executable, "-m", "loadtests.generator.run_workload", str(file), str(folder)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def read_report(folder: Path) -> GeneratorReport:
    return msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=GeneratorReport)


def test_selftest_starts() -> None:
    """Fails when another module imports `ssl` before Locust patches it."""
    command = [sys.executable, "-m", "loadtests.generator.selftest", "--seconds", "1", "--stalled-seconds", "2"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert "p99 of the send delay" in done.stdout, done.stderr


def test_every_arrival_has_a_row_including_the_warm_up(tmp_path: Path, host: str) -> None:
    with generating(tmp_path, host) as process:
        output, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (0, "")
    assert output.startswith("began ")
    rows, report = read_rows(tmp_path / ROWS_FILE), read_report(tmp_path)
    assert report.complete
    # Without responses there is nothing to book, cancel or reschedule, so these arrivals send no request.
    assert 0 < len(rows) <= report.planned
    assert min(row.due for row in rows) < 0 < max(row.due for row in rows) < 2
    assert {(row.outcome, row.status) for row in rows} == {("error", 404)}


def test_interrupt_keeps_the_rows_and_marks_them_incomplete(tmp_path: Path, host: str) -> None:
    with generating(tmp_path, host, seconds=60.0) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("began ")
        eventually(lambda: (tmp_path / ROWS_FILE).stat().st_size > 0, "a first row on disk")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 0
    assert not read_report(tmp_path).complete
    assert read_rows(tmp_path / ROWS_FILE)


def test_generator_ends_when_its_parent_closes_the_pipes(tmp_path: Path, host: str) -> None:
    with generating(tmp_path, host, seconds=600.0) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.close()
        process.stderr.close()
        process.wait(60)
    assert not read_report(tmp_path).complete


def test_slow_module_does_not_exhaust_the_limits_of_the_others(tmp_path: Path, host: str) -> None:
    """A shared limit would make an overload of scheduling look like one of billing, and hide a bulkhead's benefit."""
    with socket.create_server(("127.0.0.1", 0), backlog=1_024) as silent:
        hosts = {"*": [host], "scheduling": [f"http://127.0.0.1:{silent.getsockname()[1]}"]}
        with generating(tmp_path, host, hosts=hosts, scenario="idle", rate=600.0, seconds=4.0) as process:
            assert process.stdout is not None
            assert process.stdout.readline().startswith("began ")
            eventually(lambda: ",dropped," in (tmp_path / ROWS_FILE).read_text(), "a dropped arrival")
            silent.close()
            process.communicate(timeout=60)
    rows = [row.as_row("M1") for row in read_rows(tmp_path / ROWS_FILE)]
    assert {row.module for row in rows if row.outcome == "dropped"} == {"scheduling"}
    assert {row.module for row in rows} == set(MODULES)


@pytest.mark.long
def test_two_systems_with_one_seed_receive_the_same_choices(tmp_path: Path) -> None:
    """One of them answers slowly, and so offers its slots later."""
    slowly = {"slots": 0.2, "appointments": 0.1, "me": 0.3}
    load = {"scenario": "steady", "rate": 60.0, "mix": dict(SESSION_MIX), "businesses": [SHOP], "seconds": 3.0}
    received = []
    for name, delays in (("fast", {}), ("slow", slowly)):
        folder = tmp_path / name
        folder.mkdir()
        with serving(BookingApi(delays)) as api, generating(folder, api.host, **load) as process:
            _, error = process.communicate(timeout=60)
        assert (process.returncode, error) == (0, "")
        received.append(api.received)
    fast, slow = (
        {kind: Counter(each for each in found if each[0] == kind) for kind in RESOURCES} for found in received
    )
    assert fast["slots"].total() > 100
    for kind in ("slots", "me", "invoices", "prices", "notification-preferences"):
        assert fast[kind] == slow[kind], kind
    # A session holds a slot of its own search, so another one only if other customers have taken it first.
    assert (fast["holds"] & slow["holds"]).total() >= 0.75 * fast["holds"].total() > 0


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no file that is always full")
@pytest.mark.parametrize("file", [ROWS_FILE, REPORT_FILE])
def test_full_disk_is_reported_in_one_line_with_the_file(tmp_path: Path, host: str, file: str) -> None:
    (tmp_path / file).symlink_to("/dev/full")
    with generating(tmp_path, host) as process:
        _, error = process.communicate(timeout=60)
    assert (process.returncode, error) == (
        2,
        f"load: {tmp_path / file} cannot be written: No space left on device\n",
    )
