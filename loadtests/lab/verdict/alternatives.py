"""Under which conditions the verdict would be wrong: other forecasts, no ceiling, other promises."""

from collections.abc import Iterator, Sequence

from loadtests.lab.planning.arms import BASELINE, find_arm
from loadtests.lab.verdict.capacities import TrialRecord
from loadtests.lab.verdict.verdict import Verdict, judge


def conditions_of_error(record: TrialRecord, arms: Sequence[str], verdict: Verdict) -> Iterator[str]:
    """Yield sentences; each names a condition and the answer that would hold under it."""
    if verdict.outcome not in ("EXTRACT", "DON'T EXTRACT"):
        return
    yield from _other_forecasts(record, verdict)
    yield from _other_registrations(record, arms, verdict)


def _other_forecasts(record: TrialRecord, verdict: Verdict) -> Iterator[str]:
    headroom = record.scenario.load.headroom
    capacities = {finding.arm: finding.capacity for finding in verdict.findings if finding.capacity is not None}
    baseline, best = capacities.get(BASELINE), capacities.get(verdict.best)
    if baseline is not None and verdict.best != BASELINE:
        isolated = " (and isolation were not promised)" if record.scenario.promises.isolation else ""
        peak = baseline.low / headroom
        yield f"If the peak stayed below {peak:.3g}/s{isolated}, nothing would have to change."
    if best is not None:
        name = "M1" if verdict.best == BASELINE else f"{find_arm(verdict.best).short} ({verdict.best})"
        peak = best.high / headroom
        yield f"If the peak exceeded {peak:.3g}/s, {name} would not suffice either."


def _other_registrations(record: TrialRecord, arms: Sequence[str], verdict: Verdict) -> Iterator[str]:
    has_ceiling = record.scenario.ceiling.largest_database is not None
    has_isolation = record.scenario.promises.isolation
    variants: list[tuple[str, bool | None, bool | None]] = []
    if has_ceiling:
        variants.append(("a larger database server could be had", False, None))
    if has_isolation:
        variants.append(("isolation were not promised", None, False))
    if has_ceiling and has_isolation:
        variants.append(("a larger database server could be had and isolation were not promised", False, False))
    for condition, ceiling, isolation in variants:
        other = judge(record, arms, ceiling=ceiling, isolation=isolation)
        if (other.outcome, other.best) == (verdict.outcome, verdict.best):
            yield f"If {condition}, the answer would be the same."
        else:
            yield f"If {condition}, the answer would be {other.outcome}: {other.because}."
