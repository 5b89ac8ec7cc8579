"""The verdict: thresholds first, then the runs, then one of four words. Nothing in it is a matter of taste."""

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
    """`passed` is None when it was not decided, and was not needed or not possible to ask."""

    name: str
    passed: bool | None
    words: str


class Verdict(NamedTuple):
    """`because` is the gate that decided, in a sentence. `more_blocks` would probably decide what is inconclusive."""

    outcome: VerdictOutcome
    because: str
    gates: tuple[GateResult, ...]
    more_blocks: int = 0

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def advice(self) -> str:
        """What would probably decide it; empty when nothing is open, or when more blocks of these arms cannot."""
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
    """Under the thresholds that they were measured with. A quick look answers what it can, and leaves the verdict to a
    whole laboratory."""
    conditions = results.conditions
    assert conditions is not None, "the laboratory wrote them"
    thresholds = parse_thresholds(conditions.thresholds)
    if not conditions.quick:
        return judge(results.runs, thresholds, conditions.scenario)
    bench = _Bench(results.runs, thresholds, conditions.scenario)
    bench.look(conditions.arms)
    because = "a quick look carries no verdict: `extraction lab run` measures noise, every remedy, and more blocks"
    return Verdict("INCONCLUSIVE", because, tuple(bench.asked))


def judge(runs: Sequence[Run], thresholds: Thresholds, peak: str = PEAK) -> Verdict:
    """Of runs under these thresholds, made in any order; `peak` is the scenario that counts."""
    bench = _Bench(runs, thresholds, peak)
    try:
        bench.require_valid()
        bench.require_a_problem()
        bench.require_no_remedy()
        solution = bench.require_a_solution()
        bench.require_worth(solution)
    except _Decided as decided:
        return Verdict(decided.outcome, decided.because, tuple(bench.asked), decided.more_blocks)
    words = "the monolith misses its promise at the forecast peak, and no remedy helps"
    return Verdict("EXTRACT", f"{words}; {solution} keeps it, at a bearable price", tuple(bench.asked))


class _Bench:
    """The questions in their order; each leaves its gate, and ends the verdict by raising `_Decided`."""

    def __init__(self, runs: Sequence[Run], thresholds: Thresholds, peak: str) -> None:
        self._runs = runs
        self._peak = peak
        self._thresholds = thresholds
        self._load = thresholds.load.headroom
        self.asked: list[GateResult] = []

    def look(self, arms: Sequence[str]) -> None:
        """Leave what can be said of each arm, and decide nothing."""
        for arm in arms:
            misses = self._misses(arm)
            kept = None if misses.holds is None else not misses.holds
            self._leave(f"{arm} keeps its promise at the peak", kept, misses.words)

    def require_valid(self) -> None:
        baseline, again = self._at_peak(BASELINE), self._at_peak(REPEAT)
        fewest = self._thresholds.noise.fewest_blocks
        pairs = pair_by_block(baseline, again)
        if len(pairs) < fewest:
            problems = sorted({problem for run in self._runs for problem in run.problems})
            words = f"{len(pairs)} valid blocks of {BASELINE} and {REPEAT} at the peak, and {fewest} are needed"
            self._leave("validity", False, "; ".join([words, *problems[:3]]))
            raise _Decided("INVALID", self.asked[-1].words)
        same = gates.decide_aa_test(pairs, self._thresholds)
        self._leave("noise", same.holds, same.words)
        if same.holds is False:
            raise _Decided("INVALID", same.words)
        if same.holds is None:
            raise _Decided("INCONCLUSIVE", same.words, same.more_blocks)

    def require_a_problem(self) -> None:
        misses = self._misses(BASELINE)
        self._leave("a problem", misses.holds, misses.words)
        if misses.holds is None:
            raise _Decided("INCONCLUSIVE", f"whether there is a problem: {misses.words}", misses.more_blocks)
        if not misses.holds:
            raise _Decided("DON'T EXTRACT", f"no measured problem: {misses.words}")

    def require_no_remedy(self) -> None:
        """One that helps is the answer; that none does can be said only when the required ones were measured."""
        found = {arm: self._misses(arm) for arm in self._measured("remedy")}
        for arm, misses in found.items():
            self._leave(f"no remedy: {arm}", misses.holds, misses.words)
        for arm, misses in found.items():
            if misses.holds is False:
                raise _Decided("DON'T EXTRACT", f"use {arm}, {find_arm(arm).words}: {misses.words}")
        self._require_decided("whether a remedy helps", found)
        if missing := [arm for arm in REQUIRED_REMEDIES if arm not in found]:
            self._leave("no remedy", None, f"not every remedy was measured: run {' and '.join(missing)} too")
            raise _Decided("INCONCLUSIVE", self.asked[-1].words)

    def require_a_solution(self) -> str:
        found = {arm: self._misses(arm) for arm in self._measured("extracted")}
        for arm, misses in found.items():
            self._leave(f"a solution: {arm}", None if misses.holds is None else not misses.holds, misses.words)
        for arm, misses in found.items():
            if misses.holds is False:
                return arm
        if not found:
            raise _Decided("INCONCLUSIVE", "no extracted arm was measured: run X")
        self._require_decided("whether extraction helps", found)
        raise _Decided("DON'T EXTRACT", "extraction does not solve it either: look for the bottleneck elsewhere")

    def require_worth(self, arm: str) -> None:
        tax = self._thresholds.tax
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
        self._tax("processor time a booking", cpu, tax.most_cpu_ratio)
        self._tax("idle median of scheduling", idle, tax.most_idle_latency_ratio)

    def _tax(self, what: str, pairs: Sequence[tuple[float, float]], most: float) -> None:
        if not pairs:
            self._leave(f"worth it: {what}", None, f"{what} was not measured")
            return
        dear = gates.decide_cost_limit(pairs, most, what)
        self._leave(f"worth it: {what}", None if dear.holds is None else not dear.holds, dear.words)
        if dear.holds is None:
            raise _Decided("INCONCLUSIVE", f"whether it is worth its price: {dear.words}", dear.more_blocks)
        if dear.holds:
            raise _Decided("DON'T EXTRACT", f"it costs more than it is worth: {dear.words}")

    def _require_decided(self, question: str, found: dict[str, GateDecision]) -> None:
        open_ones = {arm: misses for arm, misses in found.items() if misses.holds is None}
        if open_ones:
            words = "; ".join(f"{arm}: {misses.words}" for arm, misses in open_ones.items())
            more = max(misses.more_blocks for misses in open_ones.values())
            raise _Decided("INCONCLUSIVE", f"{question}: {words}", more)

    def _misses(self, arm: str) -> GateDecision:
        valid = [run for run in self._at_peak(arm).values() if run.valid]
        fewest = self._thresholds.noise.fewest_blocks
        if len(valid) < fewest:
            return GateDecision(None, f"valid runs: {len(valid)}, and {fewest} are needed", None, fewest - len(valid))
        return gates.decide_slo_violation(valid, self._thresholds)

    def _measured(self, kind: Kind) -> list[str]:
        names = sort_arms(run.arm for run in self._runs)
        return [name for name in names if find_arm(name).kind == kind and self._at_peak(name)]

    def _at_peak(self, arm: str) -> dict[int, Run]:
        return runs_of_arm(self._runs, arm, self._peak, self._load)

    def _leave(self, name: str, passed: bool | None, words: str) -> None:
        self.asked.append(GateResult(name, passed, words))
