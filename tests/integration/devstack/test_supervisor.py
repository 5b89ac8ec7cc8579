"""The supervisor and its record: no started process is left behind."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import pytest

from deploy.devstack.ports import is_free
from deploy.devstack.process_record import ProcessRecord, process_start_time
from deploy.devstack.program import Program
from deploy.devstack.supervisor import Supervisor
from tests.polling import eventually
from tests.servers import ROOT


@dataclass(frozen=True, slots=True)
class Running:
    """A supervisor in a separate process."""

    process: subprocess.Popen[str]
    output: IO[str]
    ports: list[int]
    pids: list[int]


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    command = [sys.executable, "-m", "tests.integration.devstack.supervisor_process", str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield Running(process, process.stdout, **json.loads(process.stdout.readline()))
        finally:
            process.send_signal(signal.SIGINT)


def test_ctrl_c_stops_everything(running: Running, tmp_path: Path) -> None:
    running.process.send_signal(signal.SIGINT)
    running.process.wait(30)
    assert all(is_free(port) for port in running.ports)
    assert [process_start_time(pid) for pid in running.pids] == [None, None]
    assert not (tmp_path / "processes.json").exists()


@pytest.mark.row("F5")
@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells a child that its parent has died")
def test_kill_9_of_the_supervisor_frees_the_ports(running: Running) -> None:
    running.process.kill()
    eventually(lambda: all(is_free(port) for port in running.ports))
    eventually(lambda: all(process_start_time(pid) is None for pid in running.pids))


@pytest.mark.row("F5")
def test_process_that_dies_is_restarted_and_reported(running: Running) -> None:
    os.kill(running.pids[1], signal.SIGKILL)
    assert "web ended (signal 9), restarting in 1 s" in running.output.readline()
    eventually(lambda: not is_free(running.ports[1]))


def test_postgres_that_dies_is_restarted(running: Running) -> None:
    os.kill(running.pids[0], signal.SIGKILL)
    assert "postgres ended (signal 9)" in running.output.readline()
    eventually(lambda: not is_free(running.ports[0]))


def test_child_that_ignores_the_stop_signal_is_killed(tmp_path: Path) -> None:
    stubborn = sleeper(tmp_path, "stubborn", "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN)")
    stubborn.stop_seconds = 0.2
    stubborn.start()
    eventually(lambda: "ready" in stubborn.log.read_text())
    stubborn.stop()
    assert stubborn.pid is None
    assert stubborn.exit_description == "signal 9"


def test_groups_stop_in_reverse_order(tmp_path: Path) -> None:
    stopped: list[str] = []

    class Noting(Program):
        def stop(self) -> None:
            super().stop()
            stopped.append(self.name)

    supervisor = Supervisor(ProcessRecord(tmp_path / "processes.json"), say=stopped.append)
    supervisor.start([sleeper(tmp_path, "first", kind=Noting), sleeper(tmp_path, "second", kind=Noting)])
    supervisor.start([sleeper(tmp_path, "third", kind=Noting)])
    supervisor.stop()
    assert stopped == ["third", "second", "first"]


def test_next_supervisor_stops_leftover_processes(tmp_path: Path) -> None:
    left = sleeper(tmp_path, "left")
    left.start()
    ProcessRecord(tmp_path / "processes.json").add(left)
    assert ProcessRecord(tmp_path / "processes.json").stop_leftovers() == ["left"]
    assert left.pid is None
    assert ProcessRecord(tmp_path / "processes.json").stop_leftovers() == []


def test_unrelated_process_with_a_recorded_id_is_not_stopped(tmp_path: Path) -> None:
    path = tmp_path / "processes.json"
    stranger = sleeper(tmp_path, "stranger")
    with stranger:
        ProcessRecord(path).add(stranger)
        path.write_text(json.dumps([{**json.loads(path.read_text())[0], "started": "long ago"}]))
        assert ProcessRecord(path).stop_leftovers() == []
        assert stranger.pid is not None


def sleeper(folder: Path, name: str, first: str = "", kind: type[Program] = Program) -> Program:
    code = f"{first}\nimport time\nprint('ready')\nwhile True: time.sleep(1)"
    return kind(name, ["-c", code], {}, log=folder / f"{name}.log")
