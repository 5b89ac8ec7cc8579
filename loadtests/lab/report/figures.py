"""The numbers of the report: from valid runs only, and paired by block where arms are compared."""

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
"""Stands for the tail latency of a module with more than 1 % errors."""


class ArmComparison(NamedTuple):
    """The ratio of an arm's metric to M1's; lower is better for every metric."""

    metric: str
    arm: str
    estimate: Estimate


class ReportFigures:
    """The figures of one results folder."""

    def __init__(self, results: Results, thresholds: Thresholds) -> None:
        conditions = results.conditions
        assert conditions is not None, "the laboratory wrote them"
        self.results = results
        self.conditions = conditions
        self.thresholds = thresholds
        self.headroom = thresholds.load.headroom
        self.arms = [arm for arm in conditions.arms if any(run.arm == arm for run in results.runs)]
        peaks = [run for run in results.runs if run.scenario != IDLE]
        self._peak_percentile = {module: _highest_known_percentile(peaks, module) for module in MODULES}
        self._common_percentile = {module: _highest_known_percentile(results.runs, module) for module in MODULES}

    def peak(self, arm: str) -> dict[int, Run]:
        """Return the valid runs at the peak by block."""
        found = runs_of_arm(self.results.runs, arm, self.conditions.scenario, self.headroom)
        return {block: run for block, run in found.items() if run.valid}

    def idle(self, arm: str) -> dict[int, Run]:
        """Return the valid runs of idle hours by block."""
        found = runs_of_arm(self.results.runs, arm, IDLE)
        return {block: run for block, run in found.items() if run.valid}

    def tail_name(self, module: str) -> str:
        """Return the highest percentile known for every run at the peak: p99, p95 or p50."""
        return self._peak_percentile[module]

    def tail_ms(self, run: Run, module: str) -> float | None:
        """Return that percentile of a run, from the intended start; ERROR_LATENCY_MS with more than 1 % errors."""
        return _tail(run, module, self._peak_percentile[module])

    def median_tail(self, arm: str, module: str) -> float | None:
        """Return the median over the arm's runs at the peak."""
        return lower_median([_tail(run, module, self._peak_percentile[module]) for run in self.peak(arm).values()])

    def neighbour_name(self, module: str) -> str:
        """Return the highest percentile known for every run, at the peak and idle."""
        return self._common_percentile[module]

    def neighbour(self, arm: str, module: str) -> tuple[float, float] | None:
        """Return that percentile when idle and at the peak, in milliseconds, as medians over the runs."""
        idle, peak = (
            lower_median([_tail(run, module, self._common_percentile[module]) for run in runs(arm).values()])
            for runs in (self.idle, self.peak)
        )
        return (idle, peak) if idle and peak else None

    def relative_tail(self, arm: str, module: str) -> Estimate | None:
        """Return the ratio of the module's tail latency at the peak to that in M1, paired by block."""
        pairs = [
            (one, other)
            for run, baseline in pair_by_block(self.peak(arm), self.peak(BASELINE))
            if (one := self.tail_ms(run, module)) and (other := self.tail_ms(baseline, module))
        ]
        return ratio(pairs) if pairs else None

    def cpu_per_booking(self, arm: str) -> Estimate | None:
        """Return the ratio of CPU time per booking at the peak, of all servers of the arm, to M1's."""
        pairs = [
            (one, other)
            for run, baseline in pair_by_block(self.peak(arm), self.peak(BASELINE))
            if (one := run.cpu_ms_per_booking) and (other := baseline.cpu_ms_per_booking)
        ]
        return ratio(pairs) if pairs else None

    def idle_latency(self, arm: str) -> Estimate | None:
        """Return the ratio of scheduling's median latency when idle to M1's."""
        pairs = [
            (one, other)
            for run, baseline in pair_by_block(self.idle(arm), self.idle(BASELINE))
            if (one := run.modules["scheduling"].p50_ms) and (other := baseline.modules["scheduling"].p50_ms)
        ]
        return ratio(pairs) if pairs else None

    def good_share(self, arm: str, module: str) -> float | None:
        """Return the share of all arrivals at the peak that were answered within the SLO."""
        results = [run.modules[module] for run in self.peak(arm).values()]
        arrivals = sum(result.arrivals for result in results)
        return sum(result.good for result in results) / arrivals if arrivals else None

    def comparisons(self) -> list[ArmComparison]:
        """Return all comparisons of the forest plot."""
        found = []
        for module in MODULES:
            for arm in self.arms:
                if arm != BASELINE and (estimate := self.relative_tail(arm, module)):
                    found.append(ArmComparison(f"{module}, {self._peak_percentile[module]} at the peak", arm, estimate))
        for metric, figure in (
            ("CPU time per booking", self.cpu_per_booking),
            ("scheduling, median when idle", self.idle_latency),
        ):
            for arm in self.arms:
                if arm != BASELINE and (estimate := figure(arm)):
                    found.append(ArmComparison(metric, arm, estimate))
        return found

    def median_run(self, arm: str) -> Run | None:
        """Return the run at the peak whose scheduling tail is the (lower) median."""
        runs = sorted(self.peak(arm).values(), key=lambda run: self.tail_ms(run, "scheduling") or 0.0)
        return runs[(len(runs) - 1) // 2] if runs else None


def _highest_known_percentile(runs: Sequence[Run], module: str) -> str:
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
    """Return the lower median of the known values, never a mean: a latency and an error have none."""
    known = [value for value in values if value is not None]
    return median_low(known) if known else None


def _percentile(result: ModuleResult, name: str) -> float | None:
    return {"p99": result.p99_ms, "p95": result.p95_ms, "p50": result.p50_ms}[name]
