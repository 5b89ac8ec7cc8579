"""`extraction demo`: from an empty folder to both web processes, and to no process left running."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from deploy.devstack.ports import free_ports, is_free
from deploy.devstack.process_record import process_start_time
from deploy.devstack.program import http_check
from deploy.devstack.settings import DEFAULT_PORTS
from tests.child_processes import children_of
from tests.servers import ROOT

LAST_LINE = "Ctrl-C stops everything"


def test_demo_starts_twice_and_leaves_no_process_running(tmp_path: Path) -> None:
    ports = free_ports(DEFAULT_PORTS)
    for _ in range(2):
        with demo(tmp_path, ports) as process:
            assert_serving(ports)
            assert extraction(tmp_path, ports, "db", "check", "monolith").returncode == 0
            assert extraction(tmp_path, ports, "db", "check", "scheduling").returncode == 0
            process.send_signal(signal.SIGINT)
            assert process.wait(60) == 0
        assert [name for name, port in ports.items() if not is_free(port)] == []
        assert not (tmp_path / "run" / "processes.json").exists()


def test_processes_receive_only_their_own_secrets(tmp_path: Path) -> None:
    ports = free_ports(DEFAULT_PORTS)
    with demo(tmp_path, ports) as process:
        environments = {pid: process_environment(pid) for pid in children_of(process.pid)}
        process.send_signal(signal.SIGINT)
        process.wait(60)
    assert len(environments) == 10
    password = (tmp_path / "postgres-monolith" / "password").read_text()
    assert not any(password in environment for environment in environments.values())
    assert not any("SIGNING_KEY" in each and "SCHEDULING_DATABASE_URL" in each for each in environments.values())
    with_both = [
        each for each in environments.values() if "MONOLITH_DATABASE_URL" in each and "SCHEDULING_DATABASE_URL" in each
    ]
    assert len(with_both) == 2, "the cutover daemon and the console"
    assert all(process_start_time(pid) is None for pid in environments)


def test_a_demo_that_cannot_start_leaves_no_folder(tmp_path: Path) -> None:
    ports = free_ports(DEFAULT_PORTS)
    data = tmp_path / "data"
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", ports["MONOLITH_PORT"]))
        taken.listen()
        refused = subprocess.run(
            [sys.executable, "-m", "deploy.cli.main", "demo"], cwd=ROOT, env=demo_environment(data, ports),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
    assert (refused.returncode, "is in use" in refused.stderr) == (2, True), refused.stderr
    assert not data.exists()


@contextlib.contextmanager
def demo(data: Path, ports: dict[str, int]) -> Iterator[subprocess.Popen[str]]:
    """A demo that has reported that it is ready."""
    command = [sys.executable, "-m", "deploy.cli.main", "demo", "--no-seed"]
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=demo_environment(data, ports),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        try:
            assert process.stdout
            lines = []
            for line in process.stdout:
                lines.append(line)
                if line.startswith(LAST_LINE):
                    break
            else:
                raise AssertionError("".join(lines))
            yield process
        finally:
            process.terminate()


def assert_serving(ports: dict[str, int]) -> None:
    assert http_check(ports["MONOLITH_PORT"], "/healthz")()
    assert http_check(ports["SCHEDULING_PORT"], "/healthz")()
    assert http_check(ports["MAIL_PORT"], "/")()


def extraction(data: Path, ports: dict[str, int], *arguments: str) -> subprocess.CompletedProcess[bytes]:
    command = [sys.executable, "-m", "deploy.cli.main", *arguments]
    return subprocess.run(command, cwd=ROOT, env=demo_environment(data, ports), timeout=60, check=False)


def demo_environment(data: Path, ports: dict[str, int]) -> dict[str, str]:
    urls = ("MONOLITH_DATABASE_URL", "SCHEDULING_DATABASE_URL", "REDIS_URL")
    inherited = {name: value for name, value in os.environ.items() if name not in urls}
    settings = {name: str(port) for name, port in ports.items()}
    return {**inherited, **settings, "DATA_DIR": str(data), "PYTHONUNBUFFERED": "1"}


def process_environment(pid: int) -> str:
    """Return the environment of the process; empty where the system does not reveal it."""
    path = Path(f"/proc/{pid}/environ")
    return path.read_text() if path.exists() else ""
