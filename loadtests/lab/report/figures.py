"""What the report says in numbers: each from valid runs only, paired by block where arms are compared."""

from collections.abc import Iterable, Sequence
from statistics import median_low
from typing import NamedTuple

from loadtests.generator.estimates import Estimate, ratio
from loadtests.generator.self_report import REQUEST_TIMEOUT_SECONDS
from loadtests.lab.planning.arms import BASELINE
from loadtests.lab.results.model import MODULES, ModuleResult, Results, Run, runs_of_arm
from loadtests.lab.verdict.gates import pair_by_block
from loadtests.lab.verdict.thresholds import Thresholds

IDLE = "idle"
ERROR_LATENCY_MS = REQUEST_TIMEOUT_SECONDS * 1000
"""Stands for the wait of those who got an error."""


class ArmComparison(NamedTuple):
    """Of an arm by M1; `better` when less is better, which it always is here."""

    what: str
    arm: str
    estimate: Estimate


class ReportFigures:
    """Of one folder of results."""

    def __init__(self, results: Results, thresholds: Thresholds) -> None:
        conditions = results.conditions
        assert conditions is not None, "the laboratory wrote them"
        self.results = results
        self.conditions = conditions
        self.thresholds = thresholds
        self.headroom = thresholds.load.headroom
        self.arms = [arm for arm in conditions.arms if any(run.arm == arm for run in results.runs)]
        peaks = [run for run in results.runs if run.scenario != IDLE]
        self._at_peak = {module: _deepest(peaks, module) for module in MODULES}
        self._always = {module: _deepest(results.runs, module) for module in MODULES}

    def peak(self, arm: str) -> dict[int, Run]:
        """Valid runs by block."""
        found = runs_of_arm(self.results.runs, arm, self.conditions.scenario, self.headroom)
        return {block: run for block, run in found.items() if run.valid}

    def idle(self, arm: str) -> dict[int, Run]:
        found = runs_of_arm(self.results.runs, arm, IDLE)
        return {block: run for block, run in found.items() if run.valid}

    def tail_name(self, module: str) -> str:
        """The deepest percentile that enough people lie beyond in every run at the peak."""
        return self._at_peak[module]

    def tail_ms(self, run: Run, module: str) -> float | None:
        """That percentile, from the intended start; `ERROR_LATENCY_MS` when more than one in a hundred got an error."""
        return _tail(run, module, self._at_peak[module])

    def middle_tail(self, arm: str, module: str) -> float | None:
        """At the peak, the middle one of the arm's runs."""
        return lower_median([_tail(run, module, self._at_peak[module]) for run in self.peak(arm).values()])

    def neighbour_name(self, module: str) -> str:
        """The deepest percentile that idle hours have, too."""
        return self._always[module]

    def neighbour(self, arm: str, module: str) -> tuple[float, float] | None:
        """That percentile in idle hours and at the peak, milliseconds, of middle runs."""
        idle, peak = (
            lower_median([_tail(run, module, self._always[module]) for run in runs(arm).values()])
            for runs in (self.idle, self.peak)
        )
        return (idle, peak) if idle and peak else None

    def relief(self, arm: str, module: str) -> Estimate | None:
        """The module's tail at the peak, by that in M1, block by block."""
        pairs = [
            (one, other)
            for mine, its in pair_by_block(self.peak(arm), self.peak(BASELINE))
            if (one := self.tail_ms(mine, module)) and (other := self.tail_ms(its, module))
        ]
        return ratio(pairs) if pairs else None

    def cpu_per_booking(self, arm: str) -> Estimate | None:
        """Processor time of all of the arm's servers for each booking at the peak, by M1's."""
        pairs = [
            (one, other)
            for mine, its in pair_by_block(self.peak(arm), self.peak(BASELINE))
            if (one := mine.cpu_ms_per_booking) and (other := its.cpu_ms_per_booking)
        ]
        return ratio(pairs) if pairs else None

    def idle_latency(self, arm: str) -> Estimate | None:
        """Median of scheduling in idle hours, by M1's."""
        pairs = [
            (one, other)
            for mine, its in pair_by_block(self.idle(arm), self.idle(BASELINE))
            if (one := mine.modules["scheduling"].p50_ms) and (other := its.modules["scheduling"].p50_ms)
        ]
        return ratio(pairs) if pairs else None

    def good_share(self, arm: str, module: str) -> float | None:
        """Of all who came at the peak, in any of the runs: answered within what the module promises."""
        results = [run.modules[module] for run in self.peak(arm).values()]
        came = sum(result.arrivals for result in results)
        return sum(result.good for result in results) / came if came else None

    def comparisons(self) -> list[ArmComparison]:
        """All that the forest shows, M1 itself left out."""
        found = []
        for module in MODULES:
            for arm in self.arms:
                if arm != BASELINE and (estimate := self.relief(arm, module)):
                    found.append(ArmComparison(f"{module}, {self._at_peak[module]} at the peak", arm, estimate))
        for what, figure in (
            ("processor time a booking", self.cpu_per_booking),
            ("scheduling, median when idle", self.idle_latency),
        ):
            for arm in self.arms:
                if arm != BASELINE and (estimate := figure(arm)):
                    found.append(ArmComparison(what, arm, estimate))
        return found

    def middle_run(self, arm: str) -> Run | None:
        """Of the peak: the one whose scheduling tail is the median."""
        runs = sorted(self.peak(arm).values(), key=lambda run: self.tail_ms(run, "scheduling") or 0.0)
        return runs[(len(runs) - 1) // 2] if runs else None


def _deepest(runs: Sequence[Run], module: str) -> str:
    known = [run.modules[module] for run in runs if run.valid and run.modules[module].arrivals]
    for name in ("p99", "p95"):
        if known and all(_percentile(result, name) is not None for result in known):
            return name
    return "p50"


def _tail(run: Run, module: str, name: str) -> float | None:
    result = run.modules.get(module)
    if result is None or not result.arrivals:
        return None
    if result.errors > 0.01 * result.arrivals:
        return ERROR_LATENCY_MS
    return _percentile(result, name)


def lower_median(values: Iterable[float | None]) -> float | None:
    """One of them: between an answer and none there is no mean."""
    known = [value for value in values if value is not None]
    return median_low(known) if known else None


def _percentile(result: ModuleResult, name: str) -> float | None:
    return {"p99": result.p99_ms, "p95": result.p95_ms, "p50": result.p50_ms}[name]
