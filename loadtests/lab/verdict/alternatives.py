"""Under which conditions the verdict would be wrong: other forecasts, no ceiling, other promises."""

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

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
        promises = record.scenario.promises
        apart = [*(["isolation"] if promises.isolation else []), *(["containment"] if promises.contained else [])]
        clause = f", and {' and '.join(apart)} were not promised" if apart else ""
        peak = baseline.low / headroom
        yield f"If the peak stayed below {peak:.3g}/s{clause}, nothing would have to change."
    if best is not None:
        name = "M1" if verdict.best == BASELINE else f"{find_arm(verdict.best).short} ({verdict.best})"
        peak = best.high / headroom
        yield f"If the peak exceeded {peak:.3g}/s, {name} would not suffice either."


class _Registered(NamedTuple):
    """Something that the scenario registered, and a clause in which it had not: `omitted` are arguments of `judge`."""

    clause: str
    omitted: Mapping[str, bool]


def _other_registrations(record: TrialRecord, arms: Sequence[str], verdict: Verdict) -> Iterator[str]:
    promises = record.scenario.promises
    variants: list[_Registered] = []
    if record.scenario.ceiling.largest_database is not None:
        variants.append(_Registered("a larger database server could be had", {"ceiling": False}))
    if promises.isolation:
        variants.append(_Registered("isolation from floods were not promised", {"isolation": False}))
    if promises.contained:
        variants.append(_Registered("containment of faults were not promised", {"containment": False}))
    if len(variants) > 1:
        every = {name: value for each in variants for name, value in each.omitted.items()}
        variants.append(_Registered(" and ".join(each.clause for each in variants), every))
    for clause, omitted in variants:
        other = judge(record, arms, **omitted)
        if (other.outcome, other.best) == (verdict.outcome, verdict.best):
            yield f"If {clause}, the answer would be the same."
        else:
            yield f"If {clause}, the answer would be {other.outcome}: {other.because}."
