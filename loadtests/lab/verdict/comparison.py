"""Comparison of two results folders, provided that they were measured under the same conditions."""

from collections.abc import Iterator
from math import exp, inf, log, sqrt
from statistics import fmean, stdev
from typing import NamedTuple

from loadtests.generator.estimates import Estimate, student_quantile
from loadtests.lab.planning.scenario import parse_scenario
from loadtests.lab.results.model import MeasurementConditions, Results
from loadtests.lab.verdict.capacities import TrialRecord
from loadtests.lab.verdict.findings import format_ratio
from loadtests.lab.verdict.thresholds import parse_thresholds
from loadtests.lab.verdict.verdict import scenario_of


class NotComparable(Exception):
    """The reason, in one sentence."""


class ArmChange(NamedTuple):
    """The ratio of an arm's capacity in the second folder to that in the first."""

    arm: str
    ratio: Estimate

    @property
    def lower(self) -> bool:
        """Whether the capacity fell, beyond noise."""
        return self.ratio.high < 1

    def as_text(self) -> str:
        change = "lower" if self.lower else "higher" if self.ratio.low > 1 else "no significant difference"
        return f"{self.arm}: capacity, ratio to the first: {format_ratio(self.ratio)}: {change}"


def compare_results(one: Results, other: Results) -> Iterator[ArmChange]:
    """Yield the change of the capacity of each arm in both, with Welch's interval.

    The commits of the product may differ, since a change of the product is what is compared. Raises NotComparable.
    """
    _require_same_conditions(one, other)
    first, second = (
        TrialRecord(results, scenario_of(results), parse_thresholds(results.conditions.thresholds))
        for results in (one, other)
    )
    for arm in one.conditions.arms:
        values = [_capacities(record, arm) for record in (second, first)]
        if all(len(each) > 1 for each in values):
            yield ArmChange(arm, welch_ratio(values[0], values[1]))


def _capacities(record: TrialRecord, arm: str) -> list[float]:
    blocks = sorted({trial.block for trial in record.of("capacity", arm) if trial.block})
    return [capacity for bracket in record.brackets(arm, blocks) if (capacity := bracket.capacity) is not None]


def welch_ratio(one: list[float], other: list[float]) -> Estimate:
    """Return the ratio of the geometric means of unpaired samples, with Welch's interval on the logarithms."""
    logs = [[log(value) for value in values] for values in (one, other)]
    variances = [stdev(values) ** 2 / len(values) for values in logs]
    centre = fmean(logs[0]) - fmean(logs[1])
    n = min(len(one), len(other))
    if not sum(variances):
        return Estimate(exp(centre), exp(centre), exp(centre), n)
    parts = sum(variance**2 / (len(values) - 1) for variance, values in zip(variances, logs, strict=True))
    degrees = max(1, int(sum(variances) ** 2 / parts)) if parts else n - 1
    half = student_quantile(0.975, degrees) * sqrt(sum(variances))
    return Estimate(exp(centre), exp(centre - half), exp(centre + half) if half < 700 else inf, n)


def _require_same_conditions(one: Results, other: Results) -> None:
    mine, theirs = one.conditions, other.conditions
    conditions: dict[str, tuple[object, object]] = {
        "the version of the thresholds": (one.thresholds_version, other.thresholds_version),
        "the machine": (one.machine, other.machine),
        "the pinning": (mine.pinned, theirs.pinned),
    }
    for what, (here, there) in conditions.items():
        if here != there:
            raise NotComparable(f"{what} differs ({here} and {there})")
    if parse_thresholds(mine.thresholds) != parse_thresholds(theirs.thresholds):
        raise NotComparable("the set of thresholds differs")
    if _load_of(one) != _load_of(other):
        raise NotComparable("the scenario differs in its load, promises or budgets")
    for arm in mine.remedies.keys() & theirs.remedies.keys():
        if mine.remedies[arm] != theirs.remedies[arm]:
            raise NotComparable(f"the remedy of {arm} differs")
    if not set(mine.arms) & set(theirs.arms):
        raise NotComparable("they have no arm in common")


def _load_of(results: Results) -> tuple[object, ...]:
    """Return all parts of the scenario that a capacity depends on, as registered; the forecast is none of them."""
    scenario = parse_scenario(results.conditions.scenario)
    load = scenario.load
    shape = (load.mix, load.background, load.seconds, load.shape, load.day_zipf)
    return (*shape, scenario.promises, scenario.budgets)


def describe_commits(mine: MeasurementConditions, theirs: MeasurementConditions) -> str:
    if mine.commit == theirs.commit:
        return f"both were measured with commit {mine.commit}"
    return f"commit {mine.commit} and commit {theirs.commit}"
