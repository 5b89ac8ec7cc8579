"""Findings about each arm at the demanded rate: capacity, isolation, containment, and whether it suffices."""

from collections.abc import Sequence
from statistics import median
from typing import Final, NamedTuple

from loadtests.generator.estimates import Estimate
from loadtests.lab.planning.arms import BASELINE, Kind, find_arm, sort_arms
from loadtests.lab.planning.scenario import FaultName
from loadtests.lab.results.model import Trial
from loadtests.lab.verdict.capacities import ALONE, TrialRecord, mean_ratio

FEWEST_SEARCHES: Final = 3
"""An arm with fewer complete searches is undecided."""


class Evaluation(NamedTuple):
    """The blocks that are evaluated, and the two-sided error of an interval."""

    blocks: tuple[int, ...]
    error: float


class IsolationPromises(NamedTuple):
    """Whether the other modules are promised to work during a flood of scheduling, and during a fault of it."""

    isolation: bool
    containment: bool


class ArmFinding(NamedTuple):
    """`sufficient` is None while undecided; `text` says why.

    `isolated` and `contained` are None where that is not promised or not known.
    """

    arm: str
    capacity: Estimate | None
    sufficient: bool | None
    isolated: bool | None
    text: str
    contained: bool | None = None


class CostFinding(NamedTuple):
    """A ratio to M1; `acceptable` is None while undecided, also when the cost was not measured."""

    name: str
    ratio: Estimate | None
    limit: float
    acceptable: bool | None
    text: str


def assess_arm(
    record: TrialRecord,
    arm: str,
    demand: float,
    evaluation: Evaluation,
    competitors: int = 1,
    *,
    promised: IsolationPromises,
) -> ArmFinding:
    """Assess an arm at the demanded rate.

    That one of several `competitors` suffices is claimed if any does, so the error of that claim is divided by their
    number. That none suffices needs all of them to fail, and requires no correction.
    """
    capacity = record.capacity(arm, evaluation.blocks, evaluation.error)
    if capacity is None or capacity.n < FEWEST_SEARCHES:
        found = 0 if capacity is None else capacity.n
        text = f"{found} complete searches, {FEWEST_SEARCHES} are required{_problems(record, arm)}"
        return ArmFinding(arm, capacity, None, None, text)
    careful = record.capacity(arm, evaluation.blocks, evaluation.error / competitors) or capacity
    sustains = True if careful.low >= demand else False if capacity.high < demand else None
    text = f"capacity {format_rate(capacity)}, demanded {demand:.3g}/s"
    isolated, flooded = isolation_of(record, arm, evaluation.blocks) if promised.isolation else (None, "")
    contained, failed = containment_of(record, arm, evaluation.blocks) if promised.containment else (None, "")
    required = [sustains]
    required += [isolated] if promised.isolation else []
    required += [contained] if promised.containment else []
    if sustains is not False:
        text = "; ".join(filter(None, (text, flooded, failed)))
    return ArmFinding(arm, capacity, _all_hold(required), isolated, text, contained)


def isolation_of(record: TrialRecord, arm: str, blocks: Sequence[int]) -> tuple[bool | None, str]:
    """Return whether an arm isolates the other modules from a flood of scheduling, with the counts as text.

    None while the floods differ, or where there was none.
    """
    found = flood_agreement(record, arm, blocks)
    return (
        found.holds,
        f"isolation kept in {found.as_text('floods')}" if found.counted else "isolation was not measured",
    )


def containment_of(record: TrialRecord, arm: str, blocks: Sequence[int]) -> tuple[bool | None, str]:
    """Return whether the faults of scheduling that are to be contained reach no other module, with the counts as text.

    None while the trials of one of them differ, or where there was none.
    """
    answers, texts = [], []
    for fault, found in fault_agreements(record, arm, blocks).items():
        answers.append(found.holds)
        counts = f"contained in {found.as_text('trials')}" if found.counted else "not measured"
        texts.append(f'fault "{fault}" {counts}')
    return _all_hold(answers), "; ".join(texts)


class Agreement(NamedTuple):
    """`kept` of `counted` trials kept their promises; `example` is why another did not. `holds` is None while they
    differ, or where no trial counts."""

    holds: bool | None
    kept: int
    counted: int
    example: str

    def as_text(self, noun: str) -> str:
        return f"{self.kept} of {self.counted} {noun}" + (f" ({self.example})" if self.example else "")


def flood_agreement(record: TrialRecord, arm: str, blocks: Sequence[int] | None = None) -> Agreement:
    """Judge the floods of an arm, in all blocks unless some are given."""
    return _agreement(record, record.of("isolation", arm, blocks), record.thresholds.isolation.blocks)


def fault_agreements(record: TrialRecord, arm: str, blocks: Sequence[int] | None = None) -> dict[FaultName, Agreement]:
    """Judge the trials of each fault that is to be contained, in all blocks unless some are given."""
    trials = record.of("containment", arm, blocks)
    share = record.thresholds.containment.blocks
    return {
        fault: _agreement(record, [trial for trial in trials if trial.fault == fault], share)
        for fault in record.scenario.promises.contained
    }


def _agreement(record: TrialRecord, trials: Sequence[Trial], share: float) -> Agreement:
    """Judge trials of one promise, which holds when this share of those that count kept it, and fails when they broke
    it."""
    judged = [record.judge(trial) for trial in trials]
    kept = sum(judgement.kept is True for judgement in judged)
    broken = [judgement for judgement in judged if judgement.kept is False]
    required = share * (kept + len(broken))
    holds = None
    if required:
        holds = True if kept >= required else False if len(broken) >= required else None
    example = next((reason for judgement in broken for reason in judgement.reasons), "")
    return Agreement(holds, kept, kept + len(broken), example)


def _all_hold(found: Sequence[bool | None]) -> bool | None:
    return False if False in found else None if None in found else True


def _problems(record: TrialRecord, arm: str) -> str:
    found = sorted({problem for trial in record.of("capacity", arm) for problem in trial.problems})
    return f": {'; '.join(found[:3])}" if found else ""


def assess_costs(record: TrialRecord, arm: str, evaluation: Evaluation) -> list[CostFinding]:
    """Compare an arm's costs with M1's in trials at the same rate. Both must be acceptable: no correction."""
    limits = record.thresholds.cost
    mine, baseline = (_by_block(record, name, evaluation.blocks) for name in (arm, BASELINE))
    blocks = sorted(mine.keys() & baseline.keys())
    cpu = [(mine[block][0], baseline[block][0]) for block in blocks]
    latency = [(mine[block][1], baseline[block][1]) for block in blocks]
    return [
        _assess_cost("processor time per booking", cpu, limits.most_cpu_ratio, evaluation.error),
        _assess_cost("median latency of scheduling", latency, limits.most_latency_ratio, evaluation.error),
    ]


_Costs = tuple[float | None, float | None]


def _by_block(record: TrialRecord, arm: str, blocks: Sequence[int]) -> dict[int, _Costs]:
    """Return the medians of the processor time per booking and of the latency, by block."""
    found: dict[int, _Costs] = {}
    for block in blocks:
        trials = [trial for trial in record.of("cost", arm, [block]) if trial.valid]
        cpu = [value for trial in trials if (value := trial.cpu_ms_per_booking)]
        latency = [value for trial in trials if (value := trial.modules["scheduling"].p50_ms)]
        found[block] = (median(cpu) if cpu else None, median(latency) if latency else None)
    return found


def _assess_cost(
    name: str, pairs: Sequence[tuple[float | None, float | None]], limit: float, error: float
) -> CostFinding:
    ratios = [one / other for one, other in pairs if one and other]
    if len(ratios) < FEWEST_SEARCHES:
        return CostFinding(name, None, limit, None, f"{name} was not measured in {FEWEST_SEARCHES} blocks")
    ratio = mean_ratio(ratios, error)
    acceptable = True if ratio.high <= limit else False if ratio.low > limit else None
    return CostFinding(name, ratio, limit, acceptable, f"{name}, ratio to M1: {format_ratio(ratio)}; limit {limit:g}")


def arms_of(record: TrialRecord, *kinds: Kind) -> list[str]:
    """Return the measured arms of these kinds in the order of reports."""
    measured = sort_arms(trial.arm for trial in record.trials if trial.purpose == "capacity" and trial.block != ALONE)
    return [arm for arm in measured if find_arm(arm).kind in kinds]


def format_rate(found: Estimate) -> str:
    return f"{found.value:.3g}/s [{found.low:.3g} to {found.high:.3g}], n = {found.n}"


def format_ratio(found: Estimate) -> str:
    if found.n < 2:
        return f"{found.value:.2f}, n = 1, so without an interval"
    high = f"{found.high:.2f}" if found.high < 1_000 else "over 1,000"
    return f"{found.value:.2f} [{found.low:.2f} to {high}], n = {found.n}"
