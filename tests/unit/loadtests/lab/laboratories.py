"""Laboratories on simulated arms, in a temporary results folder."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from loadtests.lab.experiment import Experiment
from loadtests.lab.planning.scenario import RegisteredScenario, find_scenario_file, parse_scenario
from loadtests.lab.results.model import MeasurementConditions, Results
from loadtests.lab.results.results_store import create_folder, resume_folder
from loadtests.lab.verdict.thresholds import FILE, Thresholds, read_thresholds
from loadtests.lab.verdict.verdict import Verdict, judge_results, scenario_of
from tests.unit.loadtests.lab.simulated_rig import SimulatedRig

THRESHOLDS = read_thresholds()
MACHINE = "simulated"


def conditions(
    scenario: str = "founder", arms: Sequence[str] = ("M1", "X"), **changes: object
) -> MeasurementConditions:
    """Return conditions with a registered scenario."""
    given: dict[str, object] = {
        "scenario": find_scenario_file(scenario).read_text(),
        "arms": tuple(arms),
        "blocks": 8,
        "seed": 1,
        "quick": False,
        "pinned": "simulated",
        "versions": {"python": "3.11"},
        "began": "2026-11-29T12:00:00+00:00",
        "thresholds": FILE.read_text(),
        "commit": "0123456789ab",
    }
    return MeasurementConditions(**{**given, **changes})  # type: ignore[arg-type]


def run_laboratory(
    out: Path, rig: SimulatedRig, measured: MeasurementConditions, thresholds: Thresholds = THRESHOLDS
) -> Results:
    """Run a laboratory on simulated arms, or continue the one in the folder."""
    folder = resume_folder(out) or create_folder(out, measured, MACHINE, thresholds.version)
    Experiment(rig, folder, scenario_of(folder.results), thresholds, lambda _line: None).run()
    return folder.results


def decide(out: Path, rig: SimulatedRig, scenario: str, forecast: float | None = None, **changes: object) -> Verdict:
    """Return the verdict of a laboratory on all arms of the rig."""
    arms = [arm for arm in rig.arms() if arm != "M1'"]
    return judge_results(run_laboratory(out, rig, conditions(scenario, arms, forecast=forecast, **changes)))


def without_isolation(scenario: RegisteredScenario) -> RegisteredScenario:
    promises = msgspec.structs.replace(scenario.promises, isolation=False)
    return msgspec.structs.replace(scenario, promises=promises)


def parsed(scenario: str) -> RegisteredScenario:
    return parse_scenario(find_scenario_file(scenario).read_text())
