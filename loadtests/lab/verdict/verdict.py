"""The verdict: whether the demanded rate is a problem, the best remedy, and whether extraction is needed."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from loadtests.lab.planning.arms import BASELINE, OWN_DATABASE, REPEAT, REQUIRED_REMEDIES, SERVICE, Kind, find_arm
from loadtests.lab.planning.scenario import RegisteredScenario, at_speed, parse_scenario, with_forecast
from loadtests.lab.results.model import MeasurementConditions, Results
from loadtests.lab.verdict.capacities import ALONE, TrialRecord
from loadtests.lab.verdict.findings import (
    ArmFinding,
    CostFinding,
    Evaluation,
    IsolationPromises,
    arms_of,
    assess_arm,
    assess_costs,
)
from loadtests.lab.verdict.progress import count_complete_blocks
from loadtests.lab.verdict.sequential import latest_look, next_look
from loadtests.lab.verdict.thresholds import parse_thresholds

VerdictOutcome = Literal["EXTRACT", "DON'T EXTRACT", "INCONCLUSIVE", "INVALID", "NO VERDICT"]
EXIT_CODES: dict[VerdictOutcome, int] = {
    "EXTRACT": 0,
    "DON'T EXTRACT": 10,
    "INCONCLUSIVE": 20,
    "INVALID": 30,
    "NO VERDICT": 40,
}


class GateResult(NamedTuple):
    """`passed` is None when the gate is undecided, or could not be evaluated."""

    name: str
    passed: bool | None
    text: str


class Verdict(NamedTuple):
    """`because` is the deciding gate as a sentence, `best` the arm that is advised. `needs_blocks` is the number of
    blocks of the next registered look that could decide an inconclusive verdict, 0 if there is none."""

    outcome: VerdictOutcome
    because: str
    gates: tuple[GateResult, ...]
    best: str = ""
    findings: tuple[ArmFinding, ...] = ()
    costs: tuple[CostFinding, ...] = ()
    needs_blocks: int = 0

    @property
    def exit_code(self) -> int:
        return EXIT_CODES[self.outcome]

    @property
    def advice(self) -> str:
        return f"the next registered look is after block {self.needs_blocks}" if self.needs_blocks else ""


class _Decided(Exception):
    def __init__(self, outcome: VerdictOutcome, because: str, best: str = "") -> None:
        super().__init__(because)
        self.outcome: VerdictOutcome = outcome
        self.because = because
        self.best = best


def scenario_of(results: Results) -> RegisteredScenario:
    """Return the scenario that the results were measured with."""
    return scenario_under(results.conditions)


def scenario_under(conditions: MeasurementConditions) -> RegisteredScenario:
    """Return the scenario with its rates at the machine's speed, and with the forecast of the options if it has one."""
    ratio = None if conditions.speed is None else conditions.speed.ratio
    return with_forecast(at_speed(parse_scenario(conditions.scenario), ratio), conditions.forecast)


def judge_results(results: Results) -> Verdict:
    """Judge results under the scenario and the thresholds that they were measured with."""
    thresholds = parse_thresholds(results.conditions.thresholds)
    record = TrialRecord(results, scenario_of(results), thresholds)
    return judge(record, results.conditions.arms, map_only=not results.conditions.asks_for_verdict)


def judge(
    record: TrialRecord,
    arms: Sequence[str],
    *,
    map_only: bool = False,
    ceiling: bool | None = None,
    isolation: bool | None = None,
    containment: bool | None = None,
) -> Verdict:
    """Judge the trials of these arms; what is not None of the last three replaces what the scenario registered."""
    scenario = record.scenario
    evaluation = _Judgement(
        record,
        arms,
        ceiling=scenario.ceiling.largest_database is not None if ceiling is None else ceiling,
        promised=IsolationPromises(
            scenario.promises.isolation if isolation is None else isolation,
            bool(scenario.promises.contained) if containment is None else containment,
        ),
    )
    needs = 0
    try:
        if map_only or scenario.demand is None:
            reason = "a map was asked for" if map_only else "no forecast was registered"
            raise _Decided("NO VERDICT", f"{reason}: it shows how far each arm reaches")
        evaluation.decide()
    except _Decided as decided:
        if decided.outcome == "INCONCLUSIVE":
            following = next_look(count_complete_blocks(record, arms), record.thresholds.statistics)
            needs = following.blocks if following else 0
        return Verdict(
            decided.outcome,
            decided.because,
            tuple(evaluation.gates),
            decided.best,
            tuple(evaluation.findings.values()),
            tuple(evaluation.costs),
            needs,
        )
    raise AssertionError("every path of the gates decides")


class _Judgement:
    """The gates in order; each records its result, and ends the judgement by raising `_Decided`."""

    def __init__(self, record: TrialRecord, arms: Sequence[str], *, ceiling: bool, promised: IsolationPromises) -> None:
        self._record = record
        self._arms = arms
        self._ceiling = ceiling
        self._promised = promised
        self.gates: list[GateResult] = []
        self.findings: dict[str, ArmFinding] = {}
        self.costs: list[CostFinding] = []

    def decide(self) -> None:
        rules = self._record.thresholds.statistics
        look = latest_look(count_complete_blocks(self._record, self._arms), rules)
        if look is None:
            self._decide_before_the_blocks()
            self._stop("INCONCLUSIVE", f"fewer than {rules.looks[0]} complete blocks were measured")
            return
        evaluation = Evaluation(tuple(range(1, look.blocks + 1)), look.error)
        self._require_problem(evaluation)
        self._require_no_sufficient_remedy(evaluation)
        solution = self._require_solution(evaluation)
        self._require_acceptable_cost(solution, evaluation)
        text = f"the monolith ({BASELINE}) and every remedy break promises at the demanded rate"
        kept = f"{find_arm(solution).short} ({solution}) keeps them at an acceptable cost"
        raise _Decided("EXTRACT", f"{text}; {kept}: {self.findings[solution].text}", solution)

    def _decide_before_the_blocks(self) -> None:
        evaluation = Evaluation((ALONE,), self._record.thresholds.statistics.error_alone)
        found = self._assess(BASELINE, evaluation)
        if found.sufficient:
            self._record_gate("problem", False, found.text)
            raise _Decided(
                "DON'T EXTRACT", f"no measured problem: the monolith ({BASELINE}) suffices: {found.text}", BASELINE
            )

    def _require_problem(self, evaluation: Evaluation) -> None:
        found = self._assess(BASELINE, evaluation)
        self._record_gate("problem", _negated(found.sufficient), found.text)
        if found.sufficient:
            raise _Decided(
                "DON'T EXTRACT", f"no measured problem: the monolith ({BASELINE}) suffices: {found.text}", BASELINE
            )
        if found.sufficient is None:
            outcome: VerdictOutcome = "INVALID" if found.capacity is None else "INCONCLUSIVE"
            self._stop(outcome, f"open whether the monolith ({BASELINE}) suffices: {found.text}")

    def _require_no_sufficient_remedy(self, evaluation: Evaluation) -> None:
        """Advise the best of the sufficient remedies; that there is none requires measurements of the required ones."""
        kinds: tuple[Kind, ...] = ("remedy",) if self._ceiling else ("remedy", "larger")
        found = self._assess_all(kinds, evaluation)
        for arm, finding in found.items():
            self._record_gate(f"insufficient remedy: {arm}", _negated(finding.sufficient), finding.text)
        self._show_arms_beyond_the_ceiling(evaluation)
        if sufficient := [finding for finding in found.values() if finding.sufficient]:
            best = best_of(sufficient)
            self._note_undecided_lesser(best, found)
            raise _Decided("DON'T EXTRACT", f"{_advice(best.arm)}: {best.text}", best.arm)
        self._require_decided("open whether a remedy suffices", found)
        if missing := [arm for arm in REQUIRED_REMEDIES if arm not in found]:
            self._record_gate("insufficient remedy", None, f"also run {' and '.join(missing)}")
            raise _Decided("INCONCLUSIVE", f"not every remedy was measured: also run {' and '.join(missing)}")

    def _note_undecided_lesser(self, best: ArmFinding, found: dict[str, ArmFinding]) -> None:
        """Note the remedies that would be less work and are still undecided; the verdict does not depend on them."""
        for arm, finding in found.items():
            if finding.sufficient is None and find_arm(arm).effort < find_arm(best.arm).effort:
                self._record_gate(f"less work than {best.arm}: {arm}", None, finding.text)

    def _show_arms_beyond_the_ceiling(self, evaluation: Evaluation) -> None:
        if self._ceiling:
            for arm, finding in self._assess_all(("larger",), evaluation).items():
                text = f"cannot be had by the scenario's ceiling; {finding.text}"
                self._record_gate(f"beyond the ceiling: {arm}", finding.sufficient, text)

    def _require_solution(self, evaluation: Evaluation) -> str:
        """Return the service if it suffices, else the sufficient extracted arm that is the least work."""
        found = self._assess_all(("extracted",), evaluation)
        for arm, finding in found.items():
            self._record_gate(f"solution: {arm}", finding.sufficient, finding.text)
        if sufficient := [arm for arm, finding in found.items() if finding.sufficient]:
            return max(sufficient, key=lambda arm: (arm == SERVICE, -find_arm(arm).effort))
        if not found:
            raise _Decided("INCONCLUSIVE", "no extracted arm was measured: run X")
        self._require_decided("open whether extraction suffices", found)
        raise _Decided("DON'T EXTRACT", "extraction does not suffice either: the bottleneck is elsewhere")

    def _require_acceptable_cost(self, arm: str, evaluation: Evaluation) -> None:
        """A cost that was not measured is not acceptable."""
        self.costs = assess_costs(self._record, arm, evaluation)
        for cost in self.costs:
            self._record_gate(f"acceptable cost: {cost.name}", cost.acceptable, cost.text)
        for cost in self.costs:
            if cost.acceptable is False:
                raise _Decided("DON'T EXTRACT", f"the cost of extraction exceeds its limit: {cost.text}")
        for cost in self.costs:
            if cost.acceptable is None:
                raise _Decided("INCONCLUSIVE", f"open whether the cost is acceptable: {cost.text}")

    def _assess_all(self, kinds: tuple[Kind, ...], evaluation: Evaluation) -> dict[str, ArmFinding]:
        arms = [arm for arm in arms_of(self._record, *kinds) if arm != REPEAT]
        return {arm: self._assess(arm, evaluation, len(arms)) for arm in arms}

    def _assess(self, arm: str, evaluation: Evaluation, competitors: int = 1) -> ArmFinding:
        demand = self._record.scenario.demand
        assert demand is not None, "without a forecast nothing is judged"
        found = assess_arm(self._record, arm, demand, evaluation, competitors, promised=self._promised)
        self.findings[arm] = found
        return found

    def _require_decided(self, question: str, found: dict[str, ArmFinding]) -> None:
        undecided = [f"{arm}: {finding.text}" for arm, finding in found.items() if finding.sufficient is None]
        if undecided:
            self._stop("INCONCLUSIVE", f"{question}: {'; '.join(undecided)}")

    def _stop(self, outcome: VerdictOutcome, because: str) -> None:
        raise _Decided(outcome, because)

    def _record_gate(self, name: str, passed: bool | None, text: str) -> None:
        self.gates.append(GateResult(name, passed, text))


def best_of(sufficient: Sequence[ArmFinding]) -> ArmFinding:
    """Return the arm with the highest capacity; of those whose interval overlaps with its, the least work."""
    highest = max(sufficient, key=lambda finding: finding.capacity.value if finding.capacity else 0.0)
    assert highest.capacity is not None
    equal = [each for each in sufficient if each.capacity and each.capacity.high >= highest.capacity.low]
    return min(equal, key=lambda finding: find_arm(finding.arm).effort)


def _advice(arm: str) -> str:
    if arm == OWN_DATABASE:
        return f"take the data out, keep the deployable ({arm})"
    if find_arm(arm).kind == "larger":
        return f"buy {find_arm(arm).short} ({arm})"
    return f"use {find_arm(arm).short} ({arm})"


def _negated(holds: bool | None) -> bool | None:
    return None if holds is None else not holds
