"""The verdict: gates in a fixed order, under preregistered thresholds, with one of four outcomes."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from loadtests.lab.planning.arms import BASELINE, REPEAT, REQUIRED_REMEDIES, Kind, find_arm, sort_arms
from loadtests.lab.results.model import Results, Run, runs_of_arm
from loadtests.lab.verdict import gates
from loadtests.lab.verdict.gates import GateDecision, pair_by_block
from loadtests.lab.verdict.thresholds import Thresholds, parse_thresholds

VerdictOutcome = Literal["EXTRACT", "DON'T EXTRACT", "INCONCLUSIVE", "INVALID"]
EXIT_CODES: dict[VerdictOutcome, int] = {"EXTRACT": 0, "DON'T EXTRACT": 10, "INCONCLUSIVE": 20, "INVALID": 30}

PEAK, IDLE = "daily_peak", "idle"


class GateResult(NamedTuple):
    """`passed` is None when the gate is undecided, or could not be evaluated."""

    name: str
    passed: bool | None
    text: str


class Verdict(NamedTuple):
    """`because` is the deciding gate as a sentence. `more_blocks` would probably decide an inconclusive verdict."""

    outcome: VerdictOutcome
    because: str
    gates: tuple[GateResult, ...]
    more_blocks: int = 0

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def advice(self) -> str:
        """The number of blocks to add; empty when the verdict is decided, or when more blocks cannot decide it."""
        if not self.more_blocks:
            return ""
        return f"run {self.more_blocks} more block{'s' if self.more_blocks > 1 else ''}"


class _Decided(Exception):
    def __init__(self, outcome: VerdictOutcome, because: str, more_blocks: int = 0) -> None:
        super().__init__(because)
        self.outcome: VerdictOutcome = outcome
        self.because = because
        self.more_blocks = more_blocks


def judge_results(results: Results) -> Verdict:
    """Judge results under the thresholds they were measured with; quick results never get a verdict."""
    conditions = results.conditions
    assert conditions is not None, "the laboratory wrote them"
    thresholds = parse_thresholds(conditions.thresholds)
    if not conditions.quick:
        return judge(results.runs, thresholds, conditions.scenario)
    evaluation = _Evaluation(results.runs, thresholds, conditions.scenario)
    evaluation.record_slos(conditions.arms)
    because = "quick results carry no verdict: `extraction lab run` measures noise, every remedy and more blocks"
    return Verdict("INCONCLUSIVE", because, tuple(evaluation.gates))


def judge(runs: Sequence[Run], thresholds: Thresholds, peak: str = PEAK) -> Verdict:
    """Judge runs in any order; `peak` is the scenario that counts."""
    evaluation = _Evaluation(runs, thresholds, peak)
    try:
        evaluation.require_valid_runs()
        evaluation.require_problem()
        evaluation.require_no_sufficient_remedy()
        solution = evaluation.require_solution()
        evaluation.require_acceptable_cost(solution)
    except _Decided as decided:
        return Verdict(decided.outcome, decided.because, tuple(evaluation.gates), decided.more_blocks)
    problem = "the monolith misses its SLO at the forecast peak, and no remedy meets it"
    return Verdict("EXTRACT", f"{problem}; {solution} meets it at an acceptable cost", tuple(evaluation.gates))


class _Evaluation:
    """The gates in order; each records its result, and ends the evaluation by raising `_Decided`."""

    def __init__(self, runs: Sequence[Run], thresholds: Thresholds, peak: str) -> None:
        self._runs = runs
        self._peak = peak
        self._thresholds = thresholds
        self._load = thresholds.load.headroom
        self.gates: list[GateResult] = []

    def record_slos(self, arms: Sequence[str]) -> None:
        """Record for each arm whether it meets its SLO, without deciding anything."""
        for arm in arms:
            misses = self._misses_slo(arm)
            self._record(f"{arm} meets its SLO at the peak", _negated(misses.holds), misses.text)

    def require_valid_runs(self) -> None:
        baseline, repeat = self._at_peak(BASELINE), self._at_peak(REPEAT)
        fewest = self._thresholds.noise.fewest_blocks
        pairs = pair_by_block(baseline, repeat)
        if len(pairs) < fewest:
            problems = sorted({problem for run in self._runs for problem in run.problems})
            text = f"{len(pairs)} valid blocks of {BASELINE} and {REPEAT} at the peak; {fewest} are required"
            self._record("validity", False, "; ".join([text, *problems[:3]]))
            raise _Decided("INVALID", self.gates[-1].text)
        same = gates.decide_aa_test(pairs, self._thresholds)
        self._record("noise", same.holds, same.text)
        if same.holds is False:
            raise _Decided("INVALID", same.text)
        if same.holds is None:
            raise _Decided("INCONCLUSIVE", same.text, same.more_blocks)

    def require_problem(self) -> None:
        misses = self._misses_slo(BASELINE)
        self._record("problem", misses.holds, misses.text)
        if misses.holds is None:
            raise _Decided("INCONCLUSIVE", f"open whether {BASELINE} misses its SLO: {misses.text}", misses.more_blocks)
        if not misses.holds:
            raise _Decided("DON'T EXTRACT", f"no measured problem: {misses.text}")

    def require_no_sufficient_remedy(self) -> None:
        """A sufficient remedy decides at once; that there is none requires measurements of all required remedies."""
        found = {arm: self._misses_slo(arm) for arm in self._measured("remedy")}
        for arm, misses in found.items():
            self._record(f"insufficient remedy: {arm}", misses.holds, misses.text)
        for arm, misses in found.items():
            if misses.holds is False:
                raise _Decided("DON'T EXTRACT", f"use {arm}, {find_arm(arm).description}: {misses.text}")
        self._require_decided("open whether a remedy meets the SLO", found)
        if missing := [arm for arm in REQUIRED_REMEDIES if arm not in found]:
            self._record(
                "insufficient remedy", None, f"not every remedy was measured: also run {' and '.join(missing)}"
            )
            raise _Decided("INCONCLUSIVE", self.gates[-1].text)

    def require_solution(self) -> str:
        """Return the first extracted arm that meets its SLO."""
        found = {arm: self._misses_slo(arm) for arm in self._measured("extracted")}
        for arm, misses in found.items():
            self._record(f"solution: {arm}", _negated(misses.holds), misses.text)
        for arm, misses in found.items():
            if misses.holds is False:
                return arm
        if not found:
            raise _Decided("INCONCLUSIVE", "no extracted arm was measured: run X")
        self._require_decided("open whether extraction meets the SLO", found)
        raise _Decided("DON'T EXTRACT", "extraction does not meet the SLO either: the bottleneck is elsewhere")

    def require_acceptable_cost(self, arm: str) -> None:
        limits = self._thresholds.tax
        at_peak = pair_by_block(self._at_peak(arm), self._at_peak(BASELINE))
        cpu = [
            (one.cpu_ms_per_booking, other.cpu_ms_per_booking)
            for one, other in at_peak
            if one.cpu_ms_per_booking and other.cpu_ms_per_booking
        ]
        idle = [
            (one.modules["scheduling"].p50_ms, other.modules["scheduling"].p50_ms)
            for one, other in pair_by_block(runs_of_arm(self._runs, arm, IDLE), runs_of_arm(self._runs, BASELINE, IDLE))
            if one.modules["scheduling"].p50_ms and other.modules["scheduling"].p50_ms
        ]
        self._require_below("CPU time per booking", cpu, limits.most_cpu_ratio)
        self._require_below("median latency of scheduling when idle", idle, limits.most_idle_latency_ratio)

    def _require_below(self, cost: str, pairs: Sequence[tuple[float, float]], limit: float) -> None:
        if not pairs:
            self._record(f"acceptable cost: {cost}", None, f"{cost} was not measured")
            return
        exceeds = gates.decide_cost_limit(pairs, limit, f"{cost}, ratio to {BASELINE}:")
        self._record(f"acceptable cost: {cost}", _negated(exceeds.holds), exceeds.text)
        if exceeds.holds is None:
            raise _Decided("INCONCLUSIVE", f"open whether the cost is acceptable: {exceeds.text}", exceeds.more_blocks)
        if exceeds.holds:
            raise _Decided("DON'T EXTRACT", f"the cost of extraction exceeds its limit: {exceeds.text}")

    def _require_decided(self, question: str, found: dict[str, GateDecision]) -> None:
        undecided = {arm: misses for arm, misses in found.items() if misses.holds is None}
        if undecided:
            text = "; ".join(f"{arm}: {misses.text}" for arm, misses in undecided.items())
            more = max(misses.more_blocks for misses in undecided.values())
            raise _Decided("INCONCLUSIVE", f"{question}: {text}", more)

    def _misses_slo(self, arm: str) -> GateDecision:
        valid = [run for run in self._at_peak(arm).values() if run.valid]
        fewest = self._thresholds.noise.fewest_blocks
        if len(valid) < fewest:
            return GateDecision(None, f"valid runs: {len(valid)}; {fewest} are required", None, fewest - len(valid))
        return gates.decide_slo_violation(valid, self._thresholds)

    def _measured(self, kind: Kind) -> list[str]:
        names = sort_arms(run.arm for run in self._runs)
        return [name for name in names if find_arm(name).kind == kind and self._at_peak(name)]

    def _at_peak(self, arm: str) -> dict[int, Run]:
        return runs_of_arm(self._runs, arm, self._peak, self._load)

    def _record(self, name: str, passed: bool | None, text: str) -> None:
        self.gates.append(GateResult(name, passed, text))


def _negated(holds: bool | None) -> bool | None:
    return None if holds is None else not holds
