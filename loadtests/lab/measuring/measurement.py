"""One load on one running arm: a warm-up that is not measured, the load, and the raw reading."""

import contextlib
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import IO

import msgspec

from deploy.devstack.launch import parent_death_prefix
from deploy.devstack.program import ROOT
from deploy.errors import CommandError
from loadtests.generator.rows import RawRow, RowsError, read_rows
from loadtests.generator.self_report import REPORT_FILE, REQUEST_TIMEOUT_SECONDS, ROWS_FILE, GeneratorReport
from loadtests.generator.workload import SignedInBusiness, Workload
from loadtests.lab.measuring import correctness
from loadtests.lab.measuring.sampling import CostSample, difference, sample_costs
from loadtests.lab.measuring.subject import Load, Reading, RoleReading, StatementReading
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import DatabaseServer, Deployment, LabServers
from loadtests.lab.servers.quiesce import wait_until_idle
from loadtests.lab.servers.topologies import RunningArm, Topology

COPY = "run"
_START_SECONDS = 30.0


@dataclass
class LoadHistory:
    """All rows since the databases were copied, at `since` on the database's clock."""

    since: datetime
    rows: list[RawRow] = field(default_factory=list)


def measure_load(
    load: Load, servers: LabServers, arm: RunningArm, prepared: PreparedArm, folder: Path, history: LoadHistory
) -> Reading:
    """Send the load to a running arm; the rows and the generator's report are left in the folder.

    Costs are read when the work that the load caused is done. The rows are added to `history`,
    for the check of correctness. Raises CommandError.
    """
    placement = prepared.topology.placement
    wait_until_idle(arm.pids)
    with (
        tempfile.NamedTemporaryFile(prefix="workload-", dir=servers.folder) as file,
        _running_generator(
            Path(file.name), workload_of(load, dict(arm.hosts), prepared.businesses), folder, servers
        ) as process,
    ):
        _wait_for_start(process)
        before = sample_costs(arm, servers, placement, COPY)
        _wait_for_end(process, load)
    wait_until_idle(arm.pids)
    after = sample_costs(arm, servers, placement, COPY)
    rows, report = read_run_files(folder)
    history.rows += rows
    violations = _find_violations(history.rows, servers, prepared.topology, history.since)
    return _reading(rows, report, before, after, violations)


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


def _reading(
    rows: list[RawRow], report: GeneratorReport, before: CostSample, after: CostSample, violations: list[str]
) -> Reading:
    return Reading(
        rows=rows,
        generator=report,
        roles={name: RoleReading(cpu_ms=cpu) for name, cpu in difference(before.cpu_ms, after.cpu_ms).items()},
        statements={
            module: StatementReading(calls=0, elapsed_ms=elapsed)
            for module, elapsed in difference(before.db_ms, after.db_ms).items()
        },
        web_cpu_ms=difference(before.web_cpu_ms, after.web_cpu_ms),
        pool_wait_ms=difference(before.pool_wait_ms, after.pool_wait_ms),
        violations=tuple(violations),
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


def _wait_for_end(process: "subprocess.Popen[str]", load: Load) -> None:
    try:
        code = process.wait(load.seconds + REQUEST_TIMEOUT_SECONDS + _START_SECONDS)
    except subprocess.TimeoutExpired:
        raise CommandError(
            f"the generator did not end within {REQUEST_TIMEOUT_SECONDS:g} s of its last request"
        ) from None
    if code:
        raise CommandError(f"the generator failed: {_output(process.stderr).read().strip()}")


def _output(stream: IO[str] | None) -> IO[str]:
    assert stream is not None
    return stream


def database_time(servers: LabServers, topology: Topology) -> datetime:
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
