"""Arms simulated as queues in front of threads, with planted bottlenecks; they turn arrivals into rows.

No server is measured: since the cause of every row is known, tests can check that the laboratory finds it.
"""

import heapq
from collections.abc import Mapping
from dataclasses import dataclass

from loadtests.generator.journeys import JOURNEYS, plan_arrivals
from loadtests.generator.rows import RequestRow
from loadtests.generator.scenarios import daily_peak
from loadtests.generator.self_report import GeneratorReport
from loadtests.lab.results.model import Costs, Run
from loadtests.lab.results.summary import find_problems, summarize_generator, summarize_modules
from loadtests.lab.verdict.verdict import PEAK
from tests.unit.loadtests.lab.example_runs import THRESHOLDS

SECONDS, RATE = 90.0, 40.0
SERVICE = {"scheduling": 0.02, "auth": 0.02, "billing": 0.01, "notifications": 0.01}


@dataclass(frozen=True)
class SimulatedArm:
    """`pools` are the threads by process, `serves` the process by module, `service` the seconds that a request occupies
    its thread by module.

    Scheduling's writes then hold a shared lock for `locked` seconds. The generator stalls for `stall` seconds in the
    middle of the run.
    """

    pools: Mapping[str, int]
    serves: Mapping[str, str]
    service: Mapping[str, float]
    locked: float = 0.0
    stall: float = 0.0

    def run(self, arm: str, block: int) -> Run:
        rows = self._rows(arm, block)
        until = max(row.answered for row in rows)
        under_way = sum(row.answered - row.sent for row in rows) / until
        report = GeneratorReport(
            planned=len(rows), began=0.0, seconds=until, cpu=0.2, in_flight=under_way, complete=True
        )
        generator = summarize_generator(rows, report)
        return Run(
            block=block,
            place=0,
            arm=arm,
            scenario=PEAK,
            load=THRESHOLDS.load.headroom,
            seed=block,
            modules=summarize_modules(rows, THRESHOLDS.slo_p99_ms),
            bookings=sum(row.journey == "book" for row in rows),
            seconds=SECONDS,
            cpu_ms=10_000.0,
            db_ms=1_000.0,
            problems=tuple(find_problems(rows, generator, True, THRESHOLDS)),
            generator=generator,
            costs=Costs(),
        )

    def _rows(self, arm: str, block: int) -> list[RequestRow]:
        free = {process: [0.0] * threads for process, threads in self.pools.items()}
        unlocked, rows = 0.0, []
        for at, name, _ in plan_arrivals(RATE, SECONDS, seed=block, shape=daily_peak):
            module = JOURNEYS[name].module
            sent = max(at, SECONDS / 2 + self.stall) if SECONDS / 2 <= at < SECONDS / 2 + self.stall else at
            threads = free[self.serves.get(module, self.serves["*"])]
            begins = max(sent, heapq.heappop(threads))
            ends = begins + self.service[module]
            if self.locked and name in ("book", "cancel", "reschedule"):
                unlocked = max(ends, unlocked) + self.locked
                ends = unlocked
            heapq.heappush(threads, ends)
            rows.append(RequestRow(arm, module, name, at, sent, ends, "ok", 200))
        return rows


def one_process(**changed: object) -> SimulatedArm:
    """Return M1 without a bottleneck."""
    given: dict[str, object] = {"pools": {"web": 8}, "serves": {"*": "web"}, "service": SERVICE}
    return SimulatedArm(**{**given, **changed})  # type: ignore[arg-type]


def two_processes(**changed: object) -> SimulatedArm:
    """Return MB or X: scheduling has threads of its own."""
    given = {"pools": {"web": 4, "own": 4}, "serves": {"*": "web", "scheduling": "own"}}
    return one_process(**{**given, **changed})


def measured(arms: Mapping[str, SimulatedArm], blocks: int = 4) -> list[Run]:
    """Return a run of each arm in every block, with the same arrivals."""
    return [simulated.run(arm, block) for block in range(blocks) for arm, simulated in arms.items()]
