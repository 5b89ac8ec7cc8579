"""The load as an ordinary Locust file, for a product that is already running:

    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000                      # web interface
    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --headless -u 60 -r 10 -t 60s
    locust -f loadtests/generator/locustfile.py --host http://127.0.0.1:8000 --headless -u 200 -t 5m --processes 4

The load is an open model, so a Locust user is not a person in a loop: it represents one scheduling arrival a second.
`-u` is the peak rate, `-r` its rise per second at the beginning, `-t` the length of the run. The chart of users draws
the intended rate.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

import sys
from collections.abc import Callable
from typing import Any

import gevent
import msgspec
from locust import LoadTestShape, User, events, tag
from locust.argument_parser import LocustArgumentParser
from locust.runners import MasterRunner, WorkerRunner

from loadtests.generator.api_client import LoadError
from loadtests.generator.journeys import BACKGROUND_RATES, SESSION_MIX, module_of
from loadtests.generator.locust_run import (
    BEGIN,
    FAILED,
    FINISHED,
    PLAN,
    READY,
    CollectedRun,
    LoadPlan,
    SendingProcess,
    plan_from_options,
    send_as_worker,
    send_locally,
    with_workers,
)
from loadtests.generator.metrics import GeneratorMetrics, serve_metrics
from loadtests.generator.run_report import RunClaims, parse_claims
from loadtests.generator.scenarios import SCENARIOS
from loadtests.generator.self_report import GeneratorReport
from loadtests.generator.sender import EXIT_LOAD_ERROR

DEFAULT_RATE, DEFAULT_SECONDS = 60, 60
TASKS_PER_ARRIVAL = 10
"""Each journey has a number of tasks that is proportional to its rate, so that Locust shows the right task ratio."""
IDLE_SECONDS, STOP_SECONDS = 2.0, 5.0


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Add options to `locust --help` and to the start page of Locust's web interface."""
    add = parser.add_argument
    add("--businesses", default=".data/load.json", help="The file written by `make load`.")
    add("--side", default="in_process", choices=("in_process", "http"), help="Adapter of the businesses under load.")
    add("--scenario", default="steady", choices=tuple(SCENARIOS), help="Shape of the load; -u is its full rate.")
    add("--seed", type=int, default=1, help="Equal seeds give equal arrivals and choices.")
    add("--threshold", action="append", default=[], help="Such as scheduling.p99<800ms; decides the exit code.")
    add("--limit", action="append", default=[], help="Limit of a promise, such as 500ms or book=1s.")
    add("--max-send-delay", default="5ms", help="Limit of the generator's own delay (p99).")
    add("--junit", default="", include_in_web_ui=False, help="File for the thresholds as JUnit XML.")
    add("--results", default="", include_in_web_ui=False, help="Folder for the rows of the run.")
    add("--metrics-port", type=int, default=0, include_in_web_ui=False, help="Serve metrics for Prometheus there.")
    add("--metrics-host", default="127.0.0.1", include_in_web_ui=False, help="Address on which metrics are served.")


def _idle(journey: str) -> Callable[[User], None]:
    """Return the task that represents a journey; the process's sender does the work."""

    def run(_user: User) -> None:
        gevent.sleep(IDLE_SECONDS)

    run.__name__ = run.__qualname__ = journey
    return tag(journey, module_of(journey))(run)


def _tasks() -> dict[Callable[[User], None], int]:
    total = sum(SESSION_MIX.values())
    rates = {name: DEFAULT_RATE * weight / total for name, weight in SESSION_MIX.items()} | dict(BACKGROUND_RATES)
    return {_idle(name): round(rate * TASKS_PER_ARRIVAL) for name, rate in rates.items()}


class ArrivalRate(User):
    """One scheduling arrival a second. Its tasks are the journeys, for --tags and Locust's task ratio."""

    tasks = _tasks()  # type: ignore[assignment]


class DrawnScenario(LoadTestShape):
    """Draws the scenario as a number of users, and ends the test when the schedule has been sent and answered."""

    use_common_options = True

    def tick(self) -> tuple[int, float] | None:
        run = COORDINATOR.collected
        if COORDINATOR.refused or (run is not None and run.is_over()):
            return None
        if run is None:
            return 1, 1.0
        COORDINATOR.begin_if_ready()
        users = max(1, round(run.intended_rate()))
        return users, max(1.0, min(100.0, abs(users - self.get_current_user_count())))


class Coordinator:
    """Starts and ends the runs of this process: of the only one, of a master, or of a worker."""

    def __init__(self) -> None:
        self.collected: CollectedRun | None = None
        self.refused = False
        """Whether the current run cannot begin; the load shape then ends it."""
        self._process: SendingProcess | None = None
        self._sending: gevent.Greenlet | None = None
        self._claims = RunClaims()
        self._metrics = GeneratorMetrics()

    def set_up(self, environment: Any) -> None:
        """Parse the options, and register for the messages of this process's role."""
        self._environment = environment
        options, runner = environment.parsed_options, environment.runner
        options.num_users = options.num_users or DEFAULT_RATE
        options.spawn_rate = options.spawn_rate or options.num_users
        options.run_time = options.run_time or DEFAULT_SECONDS
        if isinstance(runner, WorkerRunner):
            runner.register_message(BEGIN, self._begin)
            environment.events.report_to_master.add_listener(self._add_update)
            return
        self._parse_claims()
        if options.metrics_port:
            serve_metrics(self._metrics, options.metrics_host, options.metrics_port)
        if isinstance(runner, MasterRunner):
            environment.events.worker_report.add_listener(self._take_update)
            for message, listener in ((READY, self._ready), (FINISHED, self._finished), (FAILED, self._failed)):
                runner.register_message(message, listener)

    def start(self) -> None:
        """Begin a run in this process's role. A LoadError ends it with one line and exit code 2."""
        environment, runner = self._environment, self._environment.runner
        options = environment.parsed_options
        if isinstance(runner, WorkerRunner):
            self._start_worker(runner, getattr(options, PLAN, ""))
            return
        # Without a plan, workers send nothing: that of an earlier run must not be left when this one is refused.
        setattr(options, PLAN, "")
        plan = plan_from_options(environment, {task.__name__ for task in ArrivalRate.tasks})
        self._parse_claims()
        if isinstance(runner, MasterRunner):
            plan = with_workers(plan, runner)
            setattr(options, PLAN, msgspec.json.encode(plan).decode())
        self.collected = CollectedRun(environment, plan, self._claims, self._metrics)
        if not isinstance(runner, MasterRunner):
            self._process = SendingProcess(environment, plan, on_row=self._metrics.count)
            self._sending = gevent.spawn(send_locally, self._process, self.collected)

    def _start_worker(self, runner: WorkerRunner, encoded: str) -> None:
        """Send this worker's share, unless the run was refused, or began before this worker connected."""
        plan = msgspec.json.decode(encoded, type=LoadPlan) if encoded else None
        if plan is not None and runner.client_id in plan.workers:
            self._process = SendingProcess(self._environment, plan, runner.client_id)
            self._sending = gevent.spawn(send_as_worker, runner, self._process)

    def begin_if_ready(self) -> None:
        """Let the workers begin together, once all of them are ready."""
        runner = self._environment.runner
        if isinstance(runner, MasterRunner) and self.collected is not None and self.collected.may_begin():
            self.collected.begun()
            runner.send_message(BEGIN, {})

    def stop(self) -> None:
        """End the run of this process, and report it unless this is a worker."""
        if self._process is not None and self._sending is not None:
            self._process.stop()
            self._sending.join(STOP_SECONDS)
        if self.collected is not None:
            self.collected.report()
        self.collected = self._process = None
        self.refused = False

    def _parse_claims(self) -> None:
        options = self._environment.parsed_options
        self._claims = parse_claims(
            options.threshold, options.limit, options.max_send_delay, options.junit or None, options.results or None
        )
        self._metrics.promises = self._claims.promises

    def _begin(self, **_: Any) -> None:
        if self._process is not None:
            self._process.begin.set()

    def _add_update(self, data: dict[str, Any], **_: Any) -> None:
        if self._process is not None:
            data["load"] = self._process.update()

    def _take_update(self, client_id: str, data: dict[str, Any], **_: Any) -> None:
        if self.collected is not None and "load" in data:
            self.collected.add_update(client_id, data["load"])

    def _ready(self, msg: Any, **_: Any) -> None:
        if self.collected is not None:
            self.collected.mark_ready(msg.node_id)
            self.begin_if_ready()

    def _finished(self, msg: Any, **_: Any) -> None:
        if self.collected is not None:
            self.collected.add_update(msg.node_id, msg.data["update"])
            self.collected.add_report(msg.node_id, msgspec.convert(msg.data["report"], GeneratorReport))

    def _failed(self, msg: Any, **_: Any) -> None:
        if self.collected is not None:
            self.collected.fail(msg.data["message"])


COORDINATOR = Coordinator()


def _complain(error: LoadError) -> int:
    sys.stderr.write(f"load: {error}\n")
    return EXIT_LOAD_ERROR


@events.init.add_listener
def set_up(environment: Any, **_: Any) -> None:
    """Refuse bad options before anything is sent."""
    try:
        COORDINATOR.set_up(environment)
    except LoadError as error:
        raise SystemExit(_complain(error)) from error


@events.test_start.add_listener
def start(environment: Any, **_: Any) -> None:
    try:
        COORDINATOR.start()
    except LoadError as error:
        environment.process_exit_code = _complain(error)
        COORDINATOR.refused = True


@events.test_stop.add_listener
def stop(environment: Any, **_: Any) -> None:
    COORDINATOR.stop()
