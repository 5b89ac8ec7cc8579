"""One run of one arm: fresh databases and processes, a discarded warm-up, the load, and the summary."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
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
from loadtests.lab.planning.plan import RunSpec
from loadtests.lab.results.model import Costs, Run
from loadtests.lab.results.summary import find_problems, summarize_generator, summarize_modules
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import DatabaseServer, Deployment, LabServers
from loadtests.lab.servers.topologies import RunningArm, Topology, running_arm
from loadtests.lab.verdict.thresholds import Thresholds

COPY = "run"
_START_SECONDS = 30.0


def measure_run(spec: RunSpec, servers: LabServers, prepared: PreparedArm, folder: Path, thresholds: Thresholds) -> Run:
    """Measure one run and leave its raw rows in the results folder.

    Raises CommandError, and KeyboardInterrupt with everything stopped.
    """
    topology = prepared.topology
    (folder / spec.folder).mkdir(parents=True, exist_ok=True)
    with (
        servers.database_copies(topology.placement, topology.template, COPY),
        running_arm(topology, servers, COPY) as arm,
    ):
        since = _database_time(servers, topology)
        costs = run_load(spec, servers, arm, prepared, folder / spec.folder)
        rows, report = read_run_files(folder / spec.folder)
        violations = _find_violations(rows, servers, topology, since)
    return summarize_run(spec, rows, report, costs, violations, thresholds)


def run_load(spec: RunSpec, servers: LabServers, arm: RunningArm, prepared: PreparedArm, folder: Path) -> Costs:
    """Send the load to a running arm; return the costs between 0 s and the end."""
    placement = prepared.topology.placement
    workload = Workload(
        scenario=spec.scenario,
        rate=spec.rate,
        seconds=spec.seconds,
        seed=spec.seed,
        hosts=dict(arm.hosts),
        businesses=prepared.businesses,
        warm_up_seconds=spec.warm_up,
    )
    with (
        tempfile.NamedTemporaryFile(prefix="workload-", dir=servers.folder) as file,
        _running_generator(Path(file.name), workload, folder, servers) as process,
    ):
        _wait_for_start(process)
        before = sample_costs(arm, servers, placement, COPY)
        with sampling_locks(servers, placement, COPY) as locks:
            _wait_for_end(process, spec)
        return costs_between(before, sample_costs(arm, servers, placement, COPY), locks.shares())


def summarize_run(
    spec: RunSpec,
    rows: list[RawRow],
    report: GeneratorReport,
    costs: Costs,
    violations: list[str],
    thresholds: Thresholds,
) -> Run:
    """Summarize raw rows and costs; problems of the generator and violations of correctness make the run invalid."""
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
        cpu_ms=sum(costs.cpu_ms.values()),
        db_ms=sum(costs.db_ms.values()),
        problems=(*find_problems(every, generator, report.complete, thresholds), *violations),
        generator=generator,
        costs=costs,
    )


def read_run_files(folder: Path) -> tuple[list[RawRow], GeneratorReport]:
    """Read the generator's rows and report. Raises CommandError."""
    try:
        report = msgspec.json.decode((folder / REPORT_FILE).read_bytes(), type=GeneratorReport)
        return read_rows(folder / ROWS_FILE), report
    except (OSError, msgspec.DecodeError, RowsError) as error:
        raise CommandError(f"{folder} does not contain a complete run: {error}") from error


@contextlib.contextmanager
def _running_generator(
    file: Path, workload: Workload, folder: Path, servers: LabServers
) -> Iterator["subprocess.Popen[str]"]:
    file.write_bytes(msgspec.json.encode(workload))
    generator = [sys.executable, "-m", "loadtests.generator.run_workload", str(file), str(folder)]
    # The generator must not outlive a laboratory that was killed.
    command = [*parent_death_prefix(signal.SIGKILL), *generator]
    with servers.cores.generating_load():
        process = subprocess.Popen(
            command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
        )
    with process:
        try:
            yield process
        finally:
            process.kill()


def _wait_for_start(process: "subprocess.Popen[str]") -> None:
    """Wait for 0 s of the run, which the generator announces."""
    line = _output(process.stdout).readline()
    if not line.startswith("began "):
        process.wait(_START_SECONDS)
        raise CommandError(f"the generator did not start: {_output(process.stderr).read().strip() or line!r}")


def _wait_for_end(process: "subprocess.Popen[str]", spec: RunSpec) -> None:
    try:
        code = process.wait(spec.seconds + REQUEST_TIMEOUT_SECONDS + _START_SECONDS)
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"the generator did not end within {REQUEST_TIMEOUT_SECONDS:g} s of its last request"
        ) from None
    if code:
        raise CommandError(f"the generator failed: {_output(process.stderr).read().strip()}")


def _output(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def _database_time(servers: LabServers, topology: Topology) -> datetime:
    server, database = _owning_database(topology)
    with servers.administrator(server, database) as db:
        row = db.execute("SELECT clock_timestamp()").fetchone()
    assert row is not None
    assert isinstance(row[0], datetime)
    return row[0]


def _find_violations(rows: list[RawRow], servers: LabServers, topology: Topology, since: datetime) -> list[str]:
    server, database = _owning_database(topology)
    with servers.administrator(server, database) as db:
        return correctness.find_violations(rows, db, since)


def _owning_database(topology: Topology) -> tuple[DatabaseServer, str]:
    """Return the server and the database that hold the appointments."""
    owner: Deployment = "scheduling" if topology.service else "monolith"
    return topology.placement[owner], f"{COPY}_{owner}"
