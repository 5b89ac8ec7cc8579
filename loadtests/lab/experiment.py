"""The order of a laboratory: predict, measure M1 alone, stop if there is no problem, else measure in blocks.

Knows the arms only through `measuring.subject`. Every trial is stored as soon as it is measured, and a trial that is
stored is not measured again, so an interrupted laboratory continues where it was.
"""

import time
from collections.abc import Callable, Mapping
from random import Random
from typing import Final

from loadtests.lab.measuring.capacity import Bracket
from loadtests.lab.measuring.stage import Report, StageSession, TrialStorage
from loadtests.lab.measuring.subject import Rig
from loadtests.lab.planning.arms import BASELINE, find_arm
from loadtests.lab.planning.demands import DATABASE_ROLES, demand_loads, predict_capacity
from loadtests.lab.planning.plan import DEMAND_STAGE, Stage, stages_alone, stages_of_block
from loadtests.lab.planning.scenario import FaultName, RegisteredScenario
from loadtests.lab.results.model import Purpose
from loadtests.lab.results.results_store import ResultsFolder
from loadtests.lab.verdict.sequential import planned_looks
from loadtests.lab.verdict.thresholds import Thresholds
from loadtests.lab.verdict.verdict import judge_results

FIRST_RATE: Final = 25.0
"""Where the first search begins without a prediction."""
MAX_TRIALS: Final = 40
"""Limit of one search's trials; the search's own rules end it long before."""
QUICK_SECONDS: Final = 12.0
RELIEVED: Final = 1.5
"""Where an arm with more database begins to search, as a multiple of M1's capacity, if the database limits M1."""


class Experiment:
    """One laboratory, from its first trial to the last."""

    def __init__(
        self,
        rig: Rig,
        folder: ResultsFolder,
        scenario: RegisteredScenario,
        thresholds: Thresholds,
        report: Report,
        *,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._rig = rig
        self._storage = TrialStorage(folder, scenario, thresholds, report, sleep)
        self._scenario = scenario
        self._thresholds = thresholds
        self._report = report
        self._conditions = folder.conditions

    def run(self) -> None:
        """Measure all that is missing, and stop at the first registered look that decides."""
        if BASELINE in self._conditions.arms and not self._conditions.quick:
            self._measure_demands()
        for stage in self._stages_alone():
            self._measure_stage(stage)
            if self._shows_a_problem(stage):
                break
        if self._is_decided(0):
            return
        for block in range(1, self._conditions.blocks + 1):
            stages = stages_of_block(self._conditions.arms, block, self._rig.reason_not_paired)
            for number, stage in enumerate(stages, 1):
                self._report(f"block {block}, {number} of {len(stages)}: {' next to '.join(stage.arms)}")
                self._measure_stage(stage)
            if self._is_decided(block):
                return

    def _stages_alone(self) -> list[Stage]:
        """Return the searches that can show that there is no problem; none where no verdict is asked for."""
        if BASELINE not in self._conditions.arms or not self._conditions.asks_for_verdict:
            return []
        return stages_alone(self._thresholds.statistics.searches_alone)

    def _shows_a_problem(self, stage: Stage) -> bool:
        """Return whether M1 alone failed at the demanded rate: then no interval of its searches is above that."""
        broken = self._storage.record().search(BASELINE, stage.name).bracket().broken
        return broken is not None and self._scenario.demand is not None and broken < self._scenario.demand

    def _is_decided(self, block: int) -> bool:
        """Evaluate at registered looks only; a laboratory without a forecast measures all its blocks."""
        looks = [0, *(look.blocks for look in planned_looks(self._thresholds.statistics))]
        if block not in looks:
            return False
        verdict = judge_results(self._storage.folder.results)
        if verdict.outcome in ("INCONCLUSIVE", "NO VERDICT"):
            return False
        self._report(f"decided after {f'block {block}' if block else 'M1 alone'}: {verdict.outcome}")
        return True

    def _measure_demands(self) -> None:
        speed = self._conditions.speed
        plan = demand_loads(self._scenario, 1.0 if speed is None else speed.ratio)
        session = StageSession(DEMAND_STAGE, self._rig, self._storage)
        with session.open():
            if len(session.trials("demand", BASELINE)) < len(plan):
                self._report("measuring the service demand of each journey")
            for load in plan[len(session.trials("demand", BASELINE)) :]:
                session.play("demand", {BASELINE: load.rate}, load.seconds, scenario=load.scenario)
        predicted = predict_capacity(session.trials("demand", BASELINE), self._scenario.load.mix)
        if predicted is not None:
            self._report(
                f"M1 should sustain about {predicted.rate:.0f}/s; then {predicted.bottleneck} is at its budget"
            )

    def _measure_stage(self, stage: Stage) -> None:
        session = StageSession(stage, self._rig, self._storage)
        with session.open():
            self._search(session)
            self._flood(session)
            self._compare_costs(session)
            self._inject_fault(session)

    def _search(self, session: StageSession) -> None:
        starts = {arm: self._start(arm, session.stage) for arm in session.stage.arms}
        for _ in range(MAX_TRIALS):
            record = self._storage.record()
            searches = {arm: record.search(arm, session.stage.name, start) for arm, start in starts.items()}
            wanted = {arm: search.next_rate() for arm, search in searches.items()}
            if not any(wanted.values()):
                break
            # An arm whose search is over keeps its load, so that the other arm's neighbour stays the same.
            rates = {arm: rate or searches[arm].bracket().kept or starts[arm] for arm, rate in wanted.items()}
            session.play("capacity", rates, self._seconds(session.stage))

    def _start(self, arm: str, stage: Stage) -> float:
        """Return the rate of a search's first trial: just below the arm's last capacity, M1's, or the predicted one.

        How far below varies, so that the grids differ between arms and blocks, and their error averages out.
        """
        step = self._thresholds.search.step
        below: float = step ** -Random(f"{self._conditions.seed}:{stage.name}:{arm}").uniform(0.25, 0.75)
        return self._known_capacity(arm) * below

    def _known_capacity(self, arm: str) -> float:
        predicted = predict_capacity(self._storage.record().of("demand", BASELINE), self._scenario.load.mix)
        if own := self._last_capacity(arm):
            return own
        standard = self._last_capacity(BASELINE) or (FIRST_RATE if predicted is None else predicted.rate)
        more_database = find_arm(arm).own_database or find_arm(arm).kind == "larger"
        limited = predicted is not None and predicted.bottleneck.startswith(DATABASE_ROLES)
        return standard * RELIEVED if more_database and limited else standard

    def _last_capacity(self, arm: str) -> float | None:
        """Return the result of the arm's last complete search."""
        record = self._storage.record()
        stages = dict.fromkeys(trial.stage for trial in record.of("capacity", arm))
        found = (record.search(arm, stage).bracket().capacity for stage in reversed(stages))
        return next(filter(None, found), None)

    def _flood(self, session: StageSession) -> None:
        """Flood scheduling, where isolation is promised."""
        rules = self._thresholds.isolation
        if self._scenario.promises.isolation:
            found = self._candidates(session)
            rates = {arm: rules.flood * capacity for arm, capacity in found.items()}
            self._measure_once(session, "isolation", rates, rules.seconds)

    def _inject_fault(self, session: StageSession) -> None:
        """Inject one of the faults that are promised to be contained: each block has the next one."""
        rules, faults = self._thresholds.containment, self._scenario.promises.contained
        if faults:
            fault = faults[(session.stage.block - 1) % len(faults)]
            rate = rules.load * self._known_capacity(BASELINE)
            for arm in self._candidates(session):
                self._measure_once(session, "containment", {arm: rate}, rules.seconds, fault)

    def _compare_costs(self, session: StageSession) -> None:
        """Send extracted arms and M1 the same moderate rate, in every block."""
        rules, arms = self._thresholds.cost, session.stage.arms
        extracted = any(find_arm(arm).kind == "extracted" for arm in arms)
        if self._is_judged(session.stage) and (extracted or arms == (BASELINE,)):
            rates = dict.fromkeys(arms, rules.load * self._known_capacity(BASELINE))
            self._measure_once(session, "cost", rates, rules.seconds)

    def _is_judged(self, stage: Stage) -> bool:
        return stage.block > 0 and self._conditions.asks_for_verdict

    def _candidates(self, session: StageSession) -> dict[str, float]:
        """Return the capacities of the arms that sustain the demanded rate; in the first block those of all arms.

        So an arm whose capacity is undecided, near the demanded rate, is not undecided where it breaks another promise.
        """
        demand, block = self._scenario.demand, session.stage.block
        if demand is None or not self._is_judged(session.stage):
            return {}
        return {
            arm: bracket.capacity
            for arm, bracket in self._brackets(session).items()
            if bracket.capacity and ((bracket.broken or 0.0) >= demand or block == 1)
        }

    def _measure_once(
        self,
        session: StageSession,
        purpose: Purpose,
        rates: Mapping[str, float],
        seconds: float,
        fault: FaultName | None = None,
    ) -> None:
        """Measure a trial of each of these arms, and repeat those that do not count."""
        for _ in range(self._thresholds.search.repeats + 1):
            missing = {arm: rate for arm, rate in rates.items() if not session.has_valid(purpose, arm)}
            if missing:
                session.play(purpose, missing, seconds, may_end_early=False, fault=fault)

    def _brackets(self, session: StageSession) -> dict[str, Bracket]:
        record = self._storage.record()
        return {arm: record.search(arm, session.stage.name).bracket() for arm in session.stage.arms}

    def _seconds(self, stage: Stage) -> float:
        load = self._scenario.load
        # A stampede of another length would be another load.
        if load.shape == "stampede":
            return load.seconds
        if self._conditions.quick:
            return QUICK_SECONDS
        return load.seconds if stage.block else self._thresholds.statistics.seconds_alone
