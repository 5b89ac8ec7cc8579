"""One load on one running arm: a warm-up that is not measured, the load, and the raw reading."""

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from loadtests.generator.rows import RawRow
from loadtests.generator.self_report import GeneratorReport
from loadtests.lab.measuring import correctness
from loadtests.lab.measuring.generator_process import read_run_files, running_generator, workload_of
from loadtests.lab.measuring.sampling import CostSample, difference, sample_costs
from loadtests.lab.measuring.subject import Load, Reading, RoleReading, StatementReading
from loadtests.lab.servers.database_templates import PreparedArm
from loadtests.lab.servers.lab_servers import DatabaseServer, Deployment, LabServers
from loadtests.lab.servers.quiesce import wait_until_idle
from loadtests.lab.servers.topologies import RunningArm, Topology

COPY = "run"


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
    workload = workload_of(load, dict(arm.hosts), prepared.businesses)
    with running_generator(workload, folder, servers.cores) as process:
        process.wait_until_ready()
        process.begin()
        process.wait_for_start()
        before = sample_costs(arm, servers, placement, COPY)
        process.wait_for_end()
    wait_until_idle(arm.pids)
    after = sample_costs(arm, servers, placement, COPY)
    rows, report = read_run_files(folder)
    history.rows += rows
    violations = _find_violations(history.rows, servers, prepared.topology, history.since)
    return _reading(rows, report, before, after, violations)


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
