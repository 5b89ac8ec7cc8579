"""The load generator as a child process, with a start that two of them can share."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
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


def workload_of(load: Load, hosts: Mapping[str, Sequence[str]], businesses: Sequence[SignedInBusiness]) -> Workload:
    """Return the generator's workload for a load."""
    shape = load.scenario.load
    return Workload(
        scenario=shape.shape,
        rate=load.rate,
        seconds=load.seconds,
        seed=load.seed,
        hosts={module: list(addresses) for module, addresses in hosts.items()},
        businesses=list(businesses),
        warm_up_seconds=load.warm_up_seconds,
        mix=shape.mix,
        background=shape.background,
        day_zipf=shape.day_zipf,
        early_end=load.early_end,
    )


class GeneratorProcess:
    """One run of the generator. Every method raises CommandError when the generator failed."""

    def __init__(self, process: "subprocess.Popen[str]", seconds: float) -> None:
        self._process = process
        self._seconds = seconds

    def wait_until_ready(self) -> None:
        """Wait until it can begin at once."""
        self._expect("ready")

    def begin(self) -> None:
        """Begin the load, with its warm-up."""
        stream = self._process.stdin
        assert stream is not None
        stream.write("begin\n")
        stream.flush()

    def wait_for_start(self) -> None:
        """Wait for the end of the warm-up: 0 s of the run."""
        self._expect("began ")

    def wait_for_end(self) -> None:
        """Wait until all requests have been answered, or have timed out."""
        try:
            code = self._process.wait(self._seconds + REQUEST_TIMEOUT_SECONDS + _START_SECONDS)
        except subprocess.TimeoutExpired:
            raise CommandError(
                f"the generator did not end within {REQUEST_TIMEOUT_SECONDS:g} s of its last request"
            ) from None
        if code:
            raise CommandError(f"the generator failed: {_output(self._process.stderr).read().strip()}")

    def _expect(self, word: str) -> None:
        line = _output(self._process.stdout).readline()
        if not line.startswith(word):
            self._process.wait(_START_SECONDS)
            raise CommandError(f"the generator did not start: {_output(self._process.stderr).read().strip() or line!r}")


@contextlib.contextmanager
def running_generator(workload: Workload, folder: Path, cores: Cores) -> Iterator[GeneratorProcess]:
    """Start the generator, which waits for `begin`, and kill it at the end of the block; rows go to the folder."""
    with tempfile.NamedTemporaryFile(prefix="workload-") as file:
        Path(file.name).write_bytes(msgspec.json.encode(workload))
        generator = ["-m", "loadtests.generator.run_workload", file.name, str(folder), "--wait"]
        # The generator must not outlive a laboratory that was killed.
        command = [*parent_death_prefix(signal.SIGKILL), sys.executable, *generator]
        pipe = subprocess.PIPE
        with cores.generating_load():
            process = subprocess.Popen(
                command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True
            )
        with process:
            try:
                yield GeneratorProcess(process, workload.warm_up_seconds + workload.seconds)
            finally:
                process.kill()


def read_run_files(folder: Path) -> tuple[list[RawRow], GeneratorReport]:
    """Read the generator's rows and report. Raises CommandError."""
    try:
        report = msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=GeneratorReport)
        return read_rows(folder / ROWS_FILE), report
    except (OSError, msgspec.DecodeError, RowsError) as error:
        raise CommandError(f"{folder} does not contain a complete run: {error}") from error


def _output(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream
