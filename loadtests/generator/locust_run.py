"""A run of the Locust file: one seeded schedule, shared by all processes of a Locust test.

Locust's users do not send: their number draws the intended arrival rate. Each process has one sender, which takes its
share of the schedule by the arrivals' numbers modulo the number of workers. The workers begin together, when all are
signed in, and send their rows to the master, which reports.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call"

import sys
import time
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import gevent
import msgspec
from gevent.event import Event
from locust.env import Environment
from locust.runners import STATE_MISSING, MasterRunner, WorkerRunner

from loadtests.generator.api_client import LoadError
from loadtests.generator.arrivals import Arrival
from loadtests.generator.businesses import read_businesses_of
from loadtests.generator.journeys import SESSION_MIX
from loadtests.generator.metrics import GeneratorMetrics
from loadtests.generator.process_run import ProcessRun, build_load
from loadtests.generator.results import RunDescription
from loadtests.generator.rows import RequestRow
from loadtests.generator.run_report import RunClaims, SideRun, report_runs
from loadtests.generator.self_report import GeneratorReport
from loadtests.generator.sender import EXIT_LOAD_ERROR, LEAD_SECONDS
from loadtests.generator.validity import merge_reports
from loadtests.generator.workload import ANY_MODULE, SignedInBusiness, Workload, restrict, sign_in_all

READY, BEGIN, FINISHED, FAILED = "load_ready", "load_begin", "load_finished", "load_failed"
"""Messages between the master and its workers."""
PLAN = "load_plan"
"""The option in which the master sends the plan to its workers."""
GAUGE_SECONDS = 1.0


class LoadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """The load of one run. `workers` are the client ids of the processes that share it; empty for a single process."""

    host: str
    side: str
    businesses: str
    scenario: str
    rate: float
    seconds: float
    rise_seconds: float
    seed: int
    journeys: list[str]
    workers: list[str] = []

    def workload(self, businesses: Sequence[SignedInBusiness] = ()) -> Workload:
        return Workload(
            scenario=self.scenario,
            rate=self.rate,
            seconds=self.seconds,
            seed=self.seed,
            hosts={ANY_MODULE: [self.host]},
            businesses=list(businesses),
            mix=dict(SESSION_MIX),
            rise_seconds=self.rise_seconds,
        )

    def arrivals(self) -> list[Arrival]:
        """Raises LoadError."""
        return restrict(self.workload().arrivals(), self.journeys)

    def description(self) -> RunDescription:
        return RunDescription(
            side=self.side,
            host=self.host,
            scenario=self.scenario,
            rate=self.rate,
            seconds=self.seconds,
            seed=self.seed,
            journeys=self.journeys,
        )


def plan_from_options(environment: Any, journeys: Collection[str]) -> LoadPlan:
    """Read `-u` as the peak rate, `-r` as its rise per second and `-t` as the length of the run. Raises LoadError."""
    options = environment.parsed_options
    if not environment.host:
        raise LoadError("the address of the product is missing: set --host")
    if not journeys:
        raise LoadError("no journey is left after --tags and --exclude-tags")
    rate = float(options.num_users)
    return LoadPlan(
        host=environment.host.rstrip("/"),
        side=options.side,
        businesses=options.businesses,
        scenario=options.scenario,
        rate=rate,
        seconds=float(options.run_time),
        rise_seconds=rate / float(options.spawn_rate),
        seed=options.seed,
        journeys=sorted(journeys),
    )


class SendingProcess:
    """The sender of a local or worker process, for one run."""

    def __init__(
        self,
        environment: Environment,
        plan: LoadPlan,
        worker: str | None = None,
        on_row: Callable[[RequestRow], None] = lambda _row: None,
    ) -> None:
        self._environment = environment
        self._plan = plan
        self._worker = worker
        self._on_row = on_row
        self.run: ProcessRun | None = None
        self.begin = Event()

    def prepare(self) -> None:
        """Sign in and build this process's share. Raises LoadError."""
        plan = self._plan
        businesses = read_businesses_of(Path(plan.businesses), plan.side)
        workload = plan.workload(sign_in_all(plan.host, businesses))
        index = plan.workers.index(self._worker) if self._worker is not None else 0
        arrivals = restrict(workload.arrivals(), plan.journeys)
        load = build_load(plan.side, workload, arrivals, index, max(1, len(plan.workers)))
        self.run = ProcessRun(self._environment, load, self._on_row)

    def send(self) -> None:
        """Wait for `begin`, send the share, and return when it is answered or stopped."""
        self.begin.wait()
        assert self.run is not None
        self.run.run()

    def stop(self) -> None:
        if self.run is not None:
            self.run.stop()
        self.begin.set()

    def update(self) -> dict[str, Any]:
        """Return the rows since the last update and the current figures, as plain data."""
        if self.run is None:
            return {"rows": [], "in_flight": 0, "cpu": 0.0}
        report = self.run.report()
        rows = [list(row) for row in self.run.take_rows()]
        return {"rows": rows, "in_flight": len(self.run.load.in_flight), "cpu": report.cpu}


class CollectedRun:
    """The rows and reports of one run, as the reporting process knows them: the only process, or the master."""

    def __init__(self, environment: Environment, plan: LoadPlan, claims: RunClaims, metrics: GeneratorMetrics) -> None:
        self.plan = plan
        self.planned = len(plan.arrivals())
        self.failed = False
        self._environment = environment
        self._claims = claims
        self._metrics = metrics
        self._shape = plan.workload().shape()
        self._rows: list[RequestRow] = []
        self._reports: dict[str, GeneratorReport] = {}
        self._ready: set[str] = set()
        self._gauges: dict[str, tuple[int, float]] = {}
        self._began: float | None = None
        self._reported = False
        metrics.planned.set(self.planned)

    def begun(self) -> None:
        self._began = time.perf_counter() + LEAD_SECONDS

    def intended_rate(self) -> float:
        """Return the scheduling arrivals a second that the scenario intends now; that of 0 s before the beginning."""
        since = max(0.0, time.perf_counter() - self._began) if self._began is not None else 0.0
        moment = since / self.plan.seconds
        rate = self.plan.rate * self._shape(moment) if moment <= 1 else 0.0
        self._metrics.intended_rate.set(rate)
        return rate

    def add_update(self, client: str, update: dict[str, Any]) -> None:
        """Add a worker's rows and figures."""
        rows = [RequestRow(*row) for row in update["rows"]]
        self._rows += rows
        for row in rows:
            self._metrics.count(row)
        self.set_gauges(client, update["in_flight"], update["cpu"])

    def set_gauges(self, client: str, in_flight: int, cpu: float) -> None:
        self._gauges[client] = (in_flight, cpu)
        self._metrics.in_flight.set(sum(number for number, _ in self._gauges.values()))
        self._metrics.cpu.set(max(share for _, share in self._gauges.values()))

    def add_report(self, client: str, report: GeneratorReport) -> None:
        self._reports[client] = report

    def add_local(self, run: ProcessRun) -> None:
        self._rows, self._reports = run.rows, {"": run.report()}

    def mark_ready(self, client: str) -> None:
        self._ready.add(client)

    def fail(self, message: str) -> None:
        """End the run with one line and exit code 2."""
        if not self.failed:
            sys.stderr.write(f"load: {message}\n")
        self.failed = True
        self._environment.process_exit_code = EXIT_LOAD_ERROR

    def may_begin(self) -> bool:
        """Return whether all processes are ready, and have not begun."""
        return self._began is None and self._ready >= set(self._present())

    def is_over(self) -> bool:
        """Return whether every process has sent its share, or has gone."""
        return self.failed or not [client for client in self._present() if client not in self._reports]

    def report(self) -> None:
        """Print the report once, and set the exit code if there are thresholds; without any, Locust decides."""
        if self._reported or self.failed:
            return
        self._reported = True
        reports = merge_reports(list(self._reports.values()))
        # The arrivals of a lost worker, which reports nothing, are missing from the rows.
        merged = msgspec.structs.replace(reports, planned=self.planned)
        try:
            code = report_runs([SideRun(self.plan.description(), merged, self._rows)], self._claims)
        except LoadError as error:
            self.fail(str(error))
            return
        if self._claims.thresholds:
            self._environment.process_exit_code = code

    def _present(self) -> list[str]:
        """Return the processes that share the run and are still there."""
        runner = self._environment.runner
        if not isinstance(runner, MasterRunner):
            return [""]
        clients = runner.clients
        return [each for each in self.plan.workers if each in clients and clients[each].state != STATE_MISSING]


def with_workers(plan: LoadPlan, runner: MasterRunner) -> LoadPlan:
    """Return the plan with the connected workers, in the order in which they connected."""
    active = [*runner.clients.ready, *runner.clients.running, *runner.clients.spawning]
    return msgspec.structs.replace(plan, workers=sorted((node.id for node in active), key=runner.get_worker_index))


def send_as_worker(runner: WorkerRunner, process: SendingProcess) -> None:
    """Send a worker's share; tell the master when it is ready, and when it is finished or has failed."""
    try:
        process.prepare()
    except LoadError as error:
        runner.send_message(FAILED, {"message": str(error)})
        return
    runner.send_message(READY, {})
    process.send()
    assert process.run is not None
    report = msgspec.to_builtins(process.run.report())
    runner.send_message(FINISHED, {"update": process.update(), "report": report})


def send_locally(process: SendingProcess, collected: CollectedRun) -> None:
    """Send the whole schedule in this process."""
    try:
        process.prepare()
    except LoadError as error:
        collected.fail(str(error))
        return
    assert process.run is not None
    collected.begun()
    process.begin.set()
    gauges = gevent.spawn(_set_gauges, process.run, collected)
    process.send()
    gauges.kill()
    collected.add_local(process.run)


def _set_gauges(run: ProcessRun, collected: CollectedRun) -> None:
    while True:
        collected.set_gauges("", len(run.load.in_flight), run.report().cpu)
        gevent.sleep(GAUGE_SECONDS)
