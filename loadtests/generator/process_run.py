"""One process's share of a run, with its rows in memory: for `extraction load` and the Locust file."""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call"

from collections.abc import Callable
from typing import Any

import gevent
from locust.env import Environment

from loadtests.generator.arrivals import Arrival
from loadtests.generator.rows import RequestRow
from loadtests.generator.self_monitor import SelfMonitor
from loadtests.generator.self_report import GeneratorReport
from loadtests.generator.sender import ProcessLoad, ScheduleSender
from loadtests.generator.workload import LeastConnections, Workload, business_states, shard_of


class ProcessRun:
    """Sends a load, and collects its rows; their times count from 0 s of the run."""

    def __init__(
        self, environment: Environment, load: ProcessLoad, on_row: Callable[[RequestRow], None] = lambda _row: None
    ) -> None:
        self.load = load
        self.rows: list[RequestRow] = []
        self._on_row = on_row
        self._taken = 0
        self._environment = environment
        self._sender = ScheduleSender(environment, load)
        self._monitor = SelfMonitor(load, lambda _at: None, self.stop)
        self._stopped = False
        self._report: GeneratorReport | None = None

    def run(self) -> None:
        """Send the load; return when all have responses, or after `stop`."""
        self._environment.events.request.add_listener(self._add_row)
        monitoring = gevent.spawn(self._monitor.run)
        try:
            self._sender.run()
        finally:
            self._report = self._monitor.report(not self._stopped)
            monitoring.kill()
            self._environment.events.request.remove_listener(self._add_row)

    def stop(self) -> None:
        self._stopped = True
        self._sender.stop()

    def report(self) -> GeneratorReport:
        """Return the generator's figures until now, or of the ended run."""
        return self._report or self._monitor.report(complete=False)

    def take_rows(self) -> list[RequestRow]:
        """Return the rows since the last call."""
        taken, self._taken = self._taken, len(self.rows)
        return self.rows[taken:]

    def _add_row(self, context: dict[str, Any], **_: Any) -> None:
        row: RequestRow = context["row"]
        began = self.load.began
        row = row._replace(due=row.due - began, sent=row.sent - began, answered=row.answered - began)
        self.rows.append(row)
        self._on_row(row)


def build_load(side: str, workload: Workload, arrivals: list[Arrival], index: int = 0, shards: int = 1) -> ProcessLoad:
    """Return the share of the arrivals that one of several processes sends."""
    return ProcessLoad(
        side,
        shard_of(arrivals, index, shards),
        business_states(workload, arrivals),
        LeastConnections(workload.hosts),
        workload.seed,
    )
