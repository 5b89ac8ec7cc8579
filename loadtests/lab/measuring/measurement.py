"""One run of one arm: fresh databases, fresh processes, a warm-up thrown away, the hour, and what became of it."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from deploy.devstack.launch import parent_death_prefix
from deploy.devstack.program import ROOT
from deploy.errors import CommandError
from loadtests.generator.rows import RawRow, RowsError, read_rows
from loadtests.generator.self_report import REPORT_FILE, REQUEST_TIMEOUT_SECONDS, ROWS_FILE, GeneratorReport
from loadtests.generator.workload import Workload
from loadtests.lab.measuring import correctness
from loadtests.lab.measuring.sampling import costs_between, sample_costs, sampling_locks
from loadtests.lab.results.model import Costs, Run, run_folder_name
from loadtests.lab.results.summary import find_problems, summarize_generator, summarize_modules
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import DatabaseServer, Deployment, LabServers
from loadtests.lab.servers.topologies import RunningArm, Topology, running_arm
from loadtests.lab.verdict.thresholds import Thresholds

COPY = "run"
_STARTING_SECONDS = 30.0


@dataclass(frozen=True)
class RunSpec:
    """What to measure. `load` is the share of the forecast peak that `rate` is."""

    block: int
    place: int
    arm: str
    scenario: str
    load: float
    rate: float
    seconds: float
    warm_up: float
    seed: int

    @property
    def folder(self) -> str:
        """The run's own, within the laboratory's."""
        return run_folder_name(self.block, self.place, self.arm, self.scenario)


def measure_run(spec: RunSpec, ground: LabServers, prepared: PreparedArm, folder: Path, thresholds: Thresholds) -> Run:
    """Leaves the raw rows in the folder. Raises CommandError, and KeyboardInterrupt with everything stopped."""
    topology = prepared.topology
    (folder / spec.folder).mkdir(parents=True, exist_ok=True)
    with ground.copied(topology.home, topology.template, COPY), running_arm(topology, ground, COPY) as arm:
        since = _now(ground, topology)
        spent = run_load(spec, ground, arm, prepared, folder / spec.folder)
        rows, report = read_run_files(folder / spec.folder)
        wrong = _wrong(rows, ground, topology, since)
    return summarize_run(spec, rows, report, spent, wrong, thresholds)


def run_load(spec: RunSpec, ground: LabServers, arm: RunningArm, prepared: PreparedArm, folder: Path) -> Costs:
    """Send the hour to an arm that runs."""
    home = prepared.topology.home
    hour = Workload(
        scenario=spec.scenario,
        rate=spec.rate,
        seconds=spec.seconds,
        seed=spec.seed,
        hosts=dict(arm.hosts),
        opened=prepared.opened,
        warm_up_seconds=spec.warm_up,
    )
    with (
        tempfile.NamedTemporaryFile(prefix="play-", dir=ground.folder) as file,
        _generator(Path(file.name), hour, folder, ground) as process,
    ):
        _wait_for_0_s(process)
        before = sample_costs(arm, ground, home, COPY)
        with sampling_locks(ground, home, COPY) as locks:
            _wait_for_the_end(process, spec)
        return costs_between(before, sample_costs(arm, ground, home, COPY), locks.shares())


def summarize_run(
    spec: RunSpec,
    rows: list[RawRow],
    report: GeneratorReport,
    spent: Costs,
    wrong: list[str],
    thresholds: Thresholds,
) -> Run:
    """What the rows, and what the servers spent, come to."""
    every = [row.as_row(spec.arm) for row in rows]
    counted = [row for row in every if row.due >= 0]
    generator = summarize_generator(every, report)
    return Run(
        block=spec.block,
        place=spec.place,
        arm=spec.arm,
        scenario=spec.scenario,
        load=spec.load,
        rate=spec.rate,
        seed=spec.seed,
        modules=summarize_modules(counted, thresholds.slo_p99_ms),
        bookings=sum(row.journey == "book" and row.outcome == "ok" for row in counted),
        seconds=spec.seconds,
        cpu_ms=sum(spent.cpu_ms.values()),
        db_ms=sum(spent.db_ms.values()),
        problems=(*find_problems(every, generator, report.complete, thresholds), *wrong),
        generator=generator,
        costs=spent,
    )


def read_run_files(folder: Path) -> tuple[list[RawRow], GeneratorReport]:
    """What the generator left. Raises CommandError."""
    try:
        report = msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=GeneratorReport)
        return read_rows(folder / ROWS_FILE), report
    except (OSError, msgspec.DecodeError, RowsError) as error:
        raise CommandError(f"{folder} does not hold a whole run: {error}") from error


@contextlib.contextmanager
def _generator(play_file: Path, hour: Workload, folder: Path, ground: LabServers) -> Iterator["subprocess.Popen[str]"]:
    play_file.write_bytes(msgspec.json.encode(hour))
    # It must not outlive a laboratory that was killed.
    generator = [sys.executable, "-m", "loadtests.generator.run_workload", str(play_file), str(folder)]
    command = [*parent_death_prefix(signal.SIGKILL), *generator]
    with ground.cores.for_generator():
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for_0_s(process: "subprocess.Popen[str]") -> None:
    line = _output(process.stdout).readline()
    if not line.startswith("began "):
        process.wait(_STARTING_SECONDS)
        raise CommandError(f"the generator did not begin: {_output(process.stderr).read().strip() or line!r}")


def _wait_for_the_end(process: "subprocess.Popen[str]", spec: RunSpec) -> None:
    try:
        code = process.wait(spec.seconds + REQUEST_TIMEOUT_SECONDS + _STARTING_SECONDS)
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"the generator did not end within {REQUEST_TIMEOUT_SECONDS:g} s of its last request"
        ) from None
    if code:
        raise CommandError(f"the generator gave up: {_output(process.stderr).read().strip()}")


def _output(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _now(ground: LabServers, topology: Topology) -> datetime:
    server, database = _owning(topology)
    with ground.administrator(server, database) as db:
        row = db.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


def _wrong(rows: list[RawRow], ground: LabServers, topology: Topology, since: datetime) -> list[str]:
    server, database = _owning(topology)
    with ground.administrator(server, database) as db:
        return correctness.find_violations(rows, db, since)


def _owning(topology: Topology) -> tuple[DatabaseServer, str]:
    """Where the appointments are."""
    owner: Deployment = "scheduling" if topology.service else "monolith"
    return topology.home[owner], f"{COPY}_{owner}"
