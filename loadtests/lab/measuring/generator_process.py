"""The load generator as a process of its own, with its workload and its output files."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import msgspec

from deploy.devstack.launch import parent_death_prefix
from deploy.devstack.program import ROOT
from deploy.errors import CommandError
from loadtests.generator.rows import RawRow, RowsError, read_rows
from loadtests.generator.self_report import REPORT_FILE, REQUEST_TIMEOUT_SECONDS, ROWS_FILE, GeneratorReport
from loadtests.generator.workload import SignedInBusiness, Workload
from loadtests.harness.cores import Cores
from loadtests.lab.measuring.subject import Load

_START_SECONDS = 30.0


def workload_of(load: Load, hosts: dict[str, list[str]], businesses: list[SignedInBusiness]) -> Workload:
    """Return the generator's workload for a load."""
    shape = load.scenario.load
    return Workload(
        scenario=shape.shape,
        rate=load.rate,
        seconds=load.seconds,
        seed=load.seed,
        hosts=hosts,
        businesses=businesses,
        warm_up_seconds=load.warm_up_seconds,
        mix=shape.mix,
        background=shape.background,
        day_zipf=shape.day_zipf,
    )


def read_run_files(folder: Path) -> tuple[list[RawRow], GeneratorReport]:
    """Read the generator's rows and report. Raises CommandError."""
    try:
        report = msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=GeneratorReport)
        return read_rows(folder / ROWS_FILE), report
    except (OSError, msgspec.DecodeError, RowsError) as error:
        raise CommandError(f"{folder} does not contain a complete run: {error}") from error


@contextlib.contextmanager
def running_generator(workload: Workload, folder: Path, cores: Cores) -> Iterator["subprocess.Popen[str]"]:
    """Run the generator within the block, on its own core; it leaves its rows and its report in the folder."""
    with (
        tempfile.NamedTemporaryFile(prefix="workload-") as file,
        _start(file.name, workload, folder, cores) as process,
    ):
        try:
            yield process
        finally:
            process.kill()


def _start(file: str, workload: Workload, folder: Path, cores: Cores) -> "subprocess.Popen[str]":
    Path(file).write_bytes(msgspec.json.encode(workload))
    generator = [sys.executable, "-m", "loadtests.generator.run_workload", file, str(folder)]
    # The generator must not outlive a laboratory that was killed.
    command = [*parent_death_prefix(signal.SIGKILL), *generator]
    with cores.generating_load():
        return subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )


def wait_for_start(process: "subprocess.Popen[str]") -> None:
    """Wait for 0 s of the run, which the generator announces."""
    line = _output(process.stdout).readline()
    if not line.startswith("began "):
        process.wait(_START_SECONDS)
        raise CommandError(f"the generator did not start: {_output(process.stderr).read().strip() or line!r}")


def wait_for_end(process: "subprocess.Popen[str]", workload: Workload) -> None:
    """Wait until the generator has ended. Raises CommandError when it failed."""
    try:
        code = process.wait(workload.seconds + REQUEST_TIMEOUT_SECONDS + _START_SECONDS)
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"the generator did not end within {REQUEST_TIMEOUT_SECONDS:g} s of its last request"
        ) from None
    if code:
        raise CommandError(f"the generator failed: {_output(process.stderr).read().strip()}")


def _output(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
