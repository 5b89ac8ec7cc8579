"""The trials of one start of the servers, and their storage."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from loadtests.generator.early_end import EarlyEnd
from loadtests.lab.measuring.subject import Load, Rig, RunningArms
from loadtests.lab.planning.plan import Stage
from loadtests.lab.planning.scenario import FaultName, RegisteredScenario
from loadtests.lab.results.model import OTHER_MODULES_ONLY, Purpose, Trial, trial_folder_name
from loadtests.lab.results.results_store import ResultsFolder
from loadtests.lab.results.summary import TrialPlan, summarize_trial
from loadtests.lab.verdict.capacities import TrialRecord
from loadtests.lab.verdict.promises import TrialJudgement
from loadtests.lab.verdict.thresholds import Thresholds

Report = Callable[[str], None]
"""Receives progress messages, one line each."""


WARM_UP_SECONDS: Final = 3.0
"""Arrivals before the measured part of a trial; the rig has warmed up the servers when it started them."""


@dataclass(frozen=True)
class TrialStorage:
    """The results folder, and the rules by which its trials are judged. `sleep` waits between trials."""

    folder: ResultsFolder
    scenario: RegisteredScenario
    thresholds: Thresholds
    report: Report
    sleep: Callable[[float], None] = time.sleep

    def record(self) -> TrialRecord:
        return TrialRecord(self.folder.results, self.scenario, self.thresholds)

    def store(self, trials: list[Trial]) -> None:
        """Store trials, and report each in one line."""
        self.folder.add(trials)
        record = self.record()
        for trial in trials:
            self.report("  " + format_trial(trial, record.judge(trial)))
        if any(map(record.is_at_other_speed, trials)) and self.thresholds.speed.pause:
            self.report(f"waiting for {self.thresholds.speed.pause:g} s, since the machine's speed has changed")
            self.sleep(self.thresholds.speed.pause)


class StageSession:
    """The trials of one stage. Its servers start with the first trial that is not stored yet."""

    def __init__(self, stage: Stage, rig: Rig, storage: TrialStorage) -> None:
        self.stage = stage
        self._rig = rig
        self._storage = storage
        self._servers = contextlib.ExitStack()
        self._arms: RunningArms | None = None

    @contextlib.contextmanager
    def open(self) -> Iterator[None]:
        with self._servers:
            yield

    def trials(self, purpose: Purpose, arm: str) -> list[Trial]:
        record = self._storage.record()
        return [trial for trial in record.of(purpose, arm) if trial.stage == self.stage.name]

    def has_valid(self, purpose: Purpose, arm: str) -> bool:
        return any(trial.valid for trial in self.trials(purpose, arm))

    def play(
        self,
        purpose: Purpose,
        rates: Mapping[str, float],
        seconds: float,
        *,
        scenario: RegisteredScenario | None = None,
        may_end_early: bool = True,
        fault: FaultName | None = None,
    ) -> None:
        """Measure one trial of each of these arms, side by side, and store them."""
        folder, rules = self._storage.folder, self._storage.thresholds.validity
        stored = [trial.place for trial in folder.results.trials if trial.stage == self.stage.name]
        place = max(stored, default=-1) + 1
        # Demands are differences between trials: smaller than the noise unless the other arrivals are the same.
        seed = folder.conditions.seed * 10_000 + self.stage.block * 100 + (0 if purpose == "demand" else place)
        loads = {
            arm: Load(
                scenario=scenario or self._storage.scenario,
                rate=rate,
                seconds=seconds,
                seed=seed,
                warm_up_seconds=WARM_UP_SECONDS,
                early_end=self._early_end() if may_end_early else None,
                judge_freshness=purpose not in OTHER_MODULES_ONLY,
                fault=fault,
            )
            for arm, rate in rates.items()
        }
        plans = {arm: self._plan(purpose, arm, place) for arm in rates}
        folders = {arm: folder.path / trial_folder_name(plan.stage, place, arm) for arm, plan in plans.items()}
        for each in folders.values():
            each.mkdir(parents=True, exist_ok=True)
        readings = self._running().play(loads, folders)
        self._storage.store([summarize_trial(plans[arm], loads[arm], readings[arm], rules) for arm in rates])

    def _early_end(self) -> EarlyEnd:
        promises, rules = self._storage.scenario.promises, self._storage.thresholds.trial
        return EarlyEnd(
            limits_ms=promises.limits_ms,
            share=rules.end_early_factor * (1 - promises.answered),
            fewest=rules.end_early_misses,
        )

    def _running(self) -> RunningArms:
        if self._arms is None:
            self._arms = self._servers.enter_context(self._rig.running(*self.stage.arms))
        return self._arms

    def _plan(self, purpose: Purpose, arm: str, place: int) -> TrialPlan:
        partner = next((each for each in self.stage.arms if each != arm), "")
        return TrialPlan(self.stage.name, place, self.stage.block, arm, purpose, partner)


def format_trial(trial: Trial, judgement: TrialJudgement) -> str:
    """Return one line about a trial."""
    outcome = {True: "kept its promises", False: "broke a promise", None: "does not count"}[judgement.kept]
    if trial.purpose in ("demand", "cost") and trial.valid:
        judgement, outcome = TrialJudgement(True), "measured"
    reasons = f" ({'; '.join(judgement.reasons)})" if judgement.reasons else ""
    purpose = f"{trial.purpose} while {trial.fault}" if trial.fault else trial.purpose
    return f"{trial.arm}, {purpose}, {trial.rate:.3g}/s for {trial.seconds:g} s: {outcome}{reasons}"
