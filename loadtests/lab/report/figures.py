"""The figures of the report: capacities, the map, and what limits each arm, from valid trials only."""

import math
from collections.abc import Sequence
from statistics import fmean, stdev

from loadtests.generator.estimates import Estimate
from loadtests.lab.planning.arms import BASELINE, REPEAT, sort_arms
from loadtests.lab.planning.demands import limiting_role
from loadtests.lab.results.model import Results, Trial
from loadtests.lab.verdict.capacities import ALONE, TrialRecord, mean_ratio
from loadtests.lab.verdict.capacity_map import MapSegment, capacity_map
from loadtests.lab.verdict.findings import arms_of, containment_of, isolation_of
from loadtests.lab.verdict.progress import count_complete_blocks
from loadtests.lab.verdict.sequential import latest_look
from loadtests.lab.verdict.thresholds import parse_thresholds
from loadtests.lab.verdict.verdict import scenario_of

DEFAULT_ERROR = 0.05
FULL = 0.9
"""A role that used this share of its budget had none left in most moments."""


class ReportFigures:
    """The figures of one results folder."""

    def __init__(self, results: Results) -> None:
        self.results = results
        self.conditions = results.conditions
        self.scenario = scenario_of(results)
        self.thresholds = parse_thresholds(results.conditions.thresholds)
        self.record = TrialRecord(results, self.scenario, self.thresholds)
        self.arms = sort_arms(trial.arm for trial in results.trials)
        self.standard = BASELINE if BASELINE in self.arms or not self.arms else self.arms[0]
        self.blocks = sorted({trial.block for trial in results.trials if trial.block}) or [ALONE]
        look = latest_look(count_complete_blocks(self.record, self.conditions.arms), self.thresholds.statistics)
        self.error = look.error if look else DEFAULT_ERROR
        if self.blocks == [ALONE]:
            self.error = self.thresholds.statistics.error_alone

    def capacity(self, arm: str) -> Estimate | None:
        """Return the capacity with the interval of the last look; the bracket itself for a single search."""
        return self.record.capacity(arm, self.blocks, self.error)

    def capacities(self) -> dict[str, Estimate]:
        found = {arm: self.capacity(arm) for arm in self.arms}
        return {arm: capacity for arm, capacity in found.items() if capacity is not None}

    def beyond_ceiling(self) -> list[str]:
        """Return the arms that cannot be had by the scenario's ceiling."""
        return arms_of(self.record, "larger") if self.scenario.ceiling.largest_database is not None else []

    def maps(self) -> dict[str, list[MapSegment]]:
        """Return the map of the capacities, and where isolation or containment is promised that of the arms that keep
        it."""
        capacities, excluded = self.capacities(), self.beyond_ceiling()
        maps = {"map": capacity_map(capacities, excluded)}
        promises = self.scenario.promises
        if promises.isolation or promises.contained:
            isolated = {arm: found for arm, found in capacities.items() if self._keeps_isolation_promises(arm)}
            maps["isolated"] = capacity_map(isolated, excluded)
        return maps

    def _keeps_isolation_promises(self, arm: str) -> bool:
        isolates = not self.scenario.promises.isolation or isolation_of(self.record, arm, self.blocks)[0]
        return bool(isolates and containment_of(self.record, arm, self.blocks)[0])

    def isolation_promises(self) -> str:
        """Return the promises of isolation and containment as a clause; empty without either."""
        promises = self.scenario.promises
        floods = ["a flood of scheduling"] if promises.isolation else []
        faults = [f'the fault "{fault}"' for fault in promises.contained]
        parts = [*floods, *faults]
        if not parts:
            return ""
        listed = " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else parts[0]
        return f"the other modules keep their promises during {listed}"

    def best_kept(self, arm: str) -> Trial | None:
        """Return the trial with the highest rate at which the arm kept all promises."""
        kept = [trial for trial in self.record.of("capacity", arm) if self.record.judge(trial).kept]
        return max(kept, key=lambda trial: trial.rate, default=None)

    def first_broken(self, arm: str) -> Trial | None:
        """Return the trial that broke a promise at the rate nearest above the capacity, else at the highest rate."""
        capacity = self.capacity(arm)
        broken = [trial for trial in self.record.of("capacity", arm) if self.record.judge(trial).kept is False]
        above = [trial for trial in broken if capacity is None or trial.rate >= capacity.value]
        if above:
            return min(above, key=lambda trial: trial.rate)
        return max(broken, key=lambda trial: trial.rate, default=None)

    def limit(self, arm: str) -> str:
        """Return what limits the arm beyond its capacity, as a clause; empty where roles have no budgets."""
        trial = self.first_broken(arm)
        found = limiting_role(trial) if trial else None
        if found is None:
            return ""
        role, used = found
        if used >= FULL:
            return f"{role} used {used:.0%} of its budget and limits the arm"
        fullest = f"{role}, the fullest, {used:.0%}"
        return f"no role had used up its budget ({fullest}), so threads, locks or waits limit the arm"

    def ratio(self, arm: str) -> Estimate | None:
        """Return the ratio of the arm's capacity to the standard's, M1 or the first target, in the same blocks."""
        ratios = self.record.ratios(arm, self.blocks, self.standard)
        return mean_ratio(ratios, self.error) if ratios and arm != self.standard else None

    def spread_of_repeats(self) -> str:
        """Return the mean and the spread of the ratios of M1's repeat to M1; empty with fewer than two duets."""
        logarithms = [math.log(ratio) for ratio in self.record.ratios(REPEAT, self.blocks, BASELINE)]
        if len(logarithms) < 2:
            return ""
        mean, spread = math.exp(fmean(logarithms)), stdev(logarithms)
        return f"{len(logarithms)} A/A pairs: mean ratio {mean:.3f}, standard deviation of its logarithm {spread:.3f}"

    def equivalence(self) -> str:
        """Return whether M1 and its repeat were equivalent; empty where the repeat was not measured."""
        found, limit = self.ratio(REPEAT), self.thresholds.statistics.equivalence
        if found is None:
            return ""
        equivalent = 1 - limit <= found.low and found.high <= 1 + limit
        interval = f"{found.value:.3f} [{found.low:.3f} to {found.high:.3f}], n = {found.n}"
        return (
            f"M1 next to its repeat: ratio of the capacities {interval}. The interval is "
            f"{'within' if equivalent else 'not within'} {limit:.0%} of 1, so equivalence was "
            f"{'shown' if equivalent else 'not shown'}."
        )

    def speeds(self) -> Sequence[float]:
        return [trial.speed for trial in self.results.trials if trial.speed is not None]
