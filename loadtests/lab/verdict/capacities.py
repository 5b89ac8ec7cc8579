"""Capacities of arms from their trials: a bracket for each search, and an interval over the blocks."""

import math
from collections.abc import Iterable, Sequence
from statistics import fmean, stdev
from typing import Final

import msgspec

from loadtests.generator.estimates import Estimate, student_quantile
from loadtests.lab.measuring.capacity import Bracket, CapacitySearch
from loadtests.lab.planning.arms import BASELINE
from loadtests.lab.planning.scenario import RegisteredScenario
from loadtests.lab.results.model import OTHER_MODULES_ONLY, Results, Trial
from loadtests.lab.verdict.promises import TrialJudgement, judge_other_modules, judge_trial, refused_share
from loadtests.lab.verdict.thresholds import Thresholds

ALONE: Final = 0
"""The block number of the trials before the blocks."""


class TrialRecord:
    """The trials of a laboratory, judged by its scenario's promises."""

    def __init__(self, results: Results, scenario: RegisteredScenario, thresholds: Thresholds) -> None:
        self.scenario = scenario
        self.thresholds = thresholds
        self.speed = _usual_speed(results)
        self.trials = [self._mark_speed(trial) for trial in results.trials]
        alone = [trial for trial in self.trials if trial.block == ALONE and trial.purpose == "capacity"]
        self.baseline_refused = refused_share([trial for trial in alone if self._judge(trial, None).kept])

    def judge(self, trial: Trial) -> TrialJudgement:
        """Judge one trial. M1 itself, the standard of refused bookings, is not judged by it."""
        marked = self._mark_speed(trial)
        if trial.purpose in OTHER_MODULES_ONLY:
            return judge_other_modules(marked, self.scenario.promises, self.thresholds.trial)
        return self._judge(marked, None if trial.arm == BASELINE else self.baseline_refused)

    def _judge(self, trial: Trial, refused: float | None) -> TrialJudgement:
        return judge_trial(trial, self.scenario.promises, self.thresholds.trial, refused)

    def arms(self) -> list[str]:
        return list(dict.fromkeys(trial.arm for trial in self.trials))

    def of(self, purpose: str, arm: str, blocks: Iterable[int] | None = None) -> list[Trial]:
        """Return the trials of an arm for a purpose, in order of measurement."""
        wanted = None if blocks is None else set(blocks)
        return [
            trial
            for trial in self.trials
            if (trial.purpose, trial.arm) == (purpose, arm) and (wanted is None or trial.block in wanted)
        ]

    def search(self, arm: str, stage: str, start: float = 1.0) -> CapacitySearch:
        """Return the search of an arm in one stage, as far as its trials were recorded; the first began at `start`."""
        trials = [trial for trial in self.of("capacity", arm) if trial.stage == stage]
        search = CapacitySearch(trials[0].rate if trials else start, self.thresholds.search)
        forgiven = [trial for trial in trials if self.is_at_other_speed(trial)][: self.thresholds.speed.repeats]
        for trial in trials:
            if trial not in forgiven:
                search.record(trial.rate, self.judge(trial).kept)
        return search

    def brackets(self, arm: str, blocks: Iterable[int]) -> list[Bracket]:
        """Return the complete brackets of an arm, one per stage of these blocks.

        M1 runs next to several arms in a block; its brackets of one block are one observation, their geometric mean.
        """
        found: list[Bracket] = []
        for block in blocks:
            stages = dict.fromkeys(trial.stage for trial in self.of("capacity", arm, [block]))
            every = [self.search(arm, stage).bracket() for stage in stages]
            complete = [bracket for bracket in every if bracket.complete]
            if complete and block != ALONE:
                found.append(_mean_bracket(complete))
            else:
                found += complete
        return found

    def capacity(self, arm: str, blocks: Sequence[int], error: float) -> Estimate | None:
        """Return the capacity with its two-sided interval of this error; None without a complete search."""
        brackets = self.brackets(arm, blocks)
        return estimate_capacity(brackets, error) if brackets else None

    def ratios(self, arm: str, blocks: Iterable[int], standard: str = BASELINE) -> list[float]:
        """Return the ratio of an arm's capacity to the standard's, for each block: side by side if they ran so."""
        found = []
        for block in blocks:
            mine = {trial.stage for trial in self.of("capacity", arm, [block])}
            theirs = {trial.stage for trial in self.of("capacity", standard, [block])}
            pairs = [(stage, stage) for stage in mine & theirs] or [(a, b) for a in mine for b in theirs]
            for here, there in pairs:
                one, other = (
                    self.search(name, stage).bracket().capacity for name, stage in ((arm, here), (standard, there))
                )
                if one and other:
                    found.append(one / other)
        return found

    def is_at_other_speed(self, trial: Trial) -> bool:
        """Return whether the machine had another speed than at first, by the registered rule."""
        return self._speed_difference(trial) > self.thresholds.speed.most_difference

    def _speed_difference(self, trial: Trial) -> float:
        return 0.0 if trial.speed is None or self.speed is None else abs(trial.speed / self.speed - 1)

    def _mark_speed(self, trial: Trial) -> Trial:
        """Return the trial with a problem if the machine had another speed."""
        if trial.problems or not self.is_at_other_speed(trial):
            return trial
        difference = self._speed_difference(trial)
        return _with_problem(trial, f"the machine's speed differed by {difference:.0%} from that at first")


def estimate_capacity(brackets: Sequence[Bracket], error: float) -> Estimate:
    """Return the geometric mean of the capacities, with Student's interval on the logarithms.

    The interval extends below the rates that kept the promises and above those that broke them, so that it is never
    narrower than the grid of the search. With one bracket it is that bracket and has no confidence.
    """
    kept = [math.log(bracket.kept) for bracket in brackets if bracket.kept is not None]
    broken = [math.log(bracket.broken) for bracket in brackets if bracket.broken is not None]
    centre = (fmean(kept) + fmean(broken)) / 2
    half = 0.0
    if len(brackets) > 1:
        middles = [(low + high) / 2 for low, high in zip(kept, broken, strict=True)]
        half = student_quantile(1 - error / 2, len(middles) - 1) * stdev(middles) / math.sqrt(len(middles))
    return Estimate(
        math.exp(centre), math.exp(fmean(kept) - half), math.exp(min(700.0, fmean(broken) + half)), len(brackets)
    )


def mean_ratio(values: Sequence[float], error: float) -> Estimate:
    """Return the geometric mean of ratios with Student's interval on the logarithms. Raises ValueError without any."""
    if not values:
        raise ValueError("a mean requires values")
    logarithms = [math.log(value) for value in values]
    centre = fmean(logarithms)
    if len(values) < 2:
        return Estimate(math.exp(centre), 0.0, math.inf, 1)
    half = student_quantile(1 - error / 2, len(values) - 1) * stdev(logarithms) / math.sqrt(len(values))
    return Estimate(math.exp(centre), math.exp(centre - half), math.exp(min(700.0, centre + half)), len(values))


def _mean_bracket(brackets: Sequence[Bracket]) -> Bracket:
    def mean(values: Iterable[float | None]) -> float:
        return math.exp(fmean(math.log(value) for value in values if value is not None))

    return Bracket(mean(each.kept for each in brackets), mean(each.broken for each in brackets))


def _usual_speed(results: Results) -> float | None:
    """Return the base speed of the budgets, or else the median of the trials before the blocks."""
    if results.conditions.speed is not None:
        return results.conditions.speed.base
    speeds = sorted(trial.speed for trial in results.trials if trial.block == ALONE and trial.speed is not None)
    return speeds[len(speeds) // 2] if speeds else None


def _with_problem(trial: Trial, problem: str) -> Trial:
    return msgspec.structs.replace(trial, problems=(*trial.problems, problem))
