"""Laboratories on simulated arms, in a temporary results folder."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from loadtests.lab.experiment import Experiment
from loadtests.lab.planning.scenario import RegisteredScenario, find_scenario_file, parse_scenario
from loadtests.lab.results.model import MeasurementConditions, Results
from loadtests.lab.results.results_store import create_folder, resume_folder
from loadtests.lab.verdict.thresholds import FILE, Thresholds, read_thresholds
from loadtests.lab.verdict.verdict import scenario_of
from tests.unit.loadtests.lab.simulated_rig import SimulatedRig

THRESHOLDS = read_thresholds()
MACHINE = "simulated"


def conditions(
    *, arms: Sequence[str] = ("M1", "X"), scenario: str | None = None, **changes: object
) -> MeasurementConditions:
    """Return conditions with the text of a scenario, the founder's unless given."""
    given: dict[str, object] = {
        "scenario": scenario or find_scenario_file("founder").read_text(),
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
    out: Path,
    rig: SimulatedRig,
    measured: MeasurementConditions,
    thresholds: Thresholds = THRESHOLDS,
    sleep: Callable[[float], None] = lambda _seconds: None,
) -> Results:
    """Run a laboratory on simulated arms, or continue the one in the folder."""
    folder = resume_folder(out) or create_folder(out, measured, MACHINE, thresholds.version)
    Experiment(rig, folder, scenario_of(folder.results), thresholds, lambda _line: None, sleep=sleep).run()
    return folder.results


def scenario_text(name: str, forecast: float | None = None) -> str:
    """Return a registered scenario with shorter trials, and possibly with another forecast without headroom.

    The founder's limit is half a second: simulated servers are not as slow as a tenth of a core.
    """
    text = re.sub(r"^seconds = .*\n", "", find_scenario_file(name).read_text(), flags=re.MULTILINE)
    text = text.replace("[load]\n", "[load]\nseconds = 25\n")
    if name == "founder":
        text = text.replace("= 1000", "= 500")
    if forecast is None:
        return text
    text = re.sub(r"^forecast = .*$", f"forecast = {forecast}", text, flags=re.MULTILINE)
    return re.sub(r"^headroom = .*$", "headroom = 1.0", text, flags=re.MULTILINE)


def parsed(name: str) -> RegisteredScenario:
    return parse_scenario(find_scenario_file(name).read_text())
