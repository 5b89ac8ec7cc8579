"""Comparison of two results folders, provided that they were measured under the same conditions."""

from collections.abc import Iterator
from math import exp, inf, log, sqrt
from statistics import fmean, stdev

from loadtests.generator.estimates import Estimate, student_quantile
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.results.model import MODULES, MeasurementConditions, Results
from loadtests.lab.verdict.gates import format_estimate
from loadtests.lab.verdict.thresholds import parse_thresholds


class NotComparable(Exception):
    """The reason, in one sentence."""


def compare_results(one: Results, other: Results) -> Iterator[str]:
    """Yield, for each arm and module in both, the ratio of the first to the second with Welch's interval.

    Raises NotComparable.
    """
    mine, theirs = _conditions(one), _conditions(other)
    _require_same_conditions(one, other, mine, theirs)
    first, second = (
        ReportFigures(results, parse_thresholds(conditions.thresholds))
        for results, conditions in ((one, mine), (other, theirs))
    )
    for arm in first.arms:
        for module in MODULES:
            if first.tail_name(module) != second.tail_name(module):
                continue
            pair = [
                [tail for run in figures.peak(arm).values() if (tail := figures.tail_ms(run, module))]
                for figures in (first, second)
            ]
            if all(len(values) > 1 for values in pair):
                estimate = welch_ratio(pair[0], pair[1])
                yield f"{arm}, {module} {first.tail_name(module)} at the peak: {format_estimate(estimate)}"


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


def _conditions(results: Results) -> MeasurementConditions:
    if results.conditions is None:
        raise NotComparable("one of them does not contain the conditions of its measurement")
    return results.conditions


def _require_same_conditions(
    one: Results, other: Results, mine: MeasurementConditions, theirs: MeasurementConditions
) -> None:
    conditions: dict[str, tuple[object, object]] = {
        "the scenario": (mine.scenario, theirs.scenario),
        "the length of the peak": (mine.seconds, theirs.seconds),
        "the version of the thresholds": (one.thresholds_version, other.thresholds_version),
        "the set of thresholds": (parse_thresholds(mine.thresholds), parse_thresholds(theirs.thresholds)),
        "the number of threads": (mine.threads, theirs.threads),
        "the machine": (one.machine, other.machine),
        "the pinning": (mine.pinned, theirs.pinned),
    }
    for what, (here, there) in conditions.items():
        if here != there:
            values = "" if what == "the set of thresholds" else f" ({here} and {there})"
            raise NotComparable(f"{what} differs{values}")
    if abs(mine.forecast / theirs.forecast - 1) > 0.1:
        raise NotComparable(
            f"the forecast peaks differ by more than 10 % ({mine.forecast:.0f} and {theirs.forecast:.0f} requests a "
            "second): measure again with the same --forecast"
        )
    for arm in mine.remedies.keys() & theirs.remedies.keys():
        if mine.remedies[arm] != theirs.remedies[arm]:
            raise NotComparable(f"the remedy of {arm} differs")
    if not set(mine.arms) & set(theirs.arms):
        raise NotComparable("they have no arm in common")
