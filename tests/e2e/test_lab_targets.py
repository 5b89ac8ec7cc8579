"""A running demo as an arm of the laboratory: it receives load through its public API, and nothing else is read."""

from pathlib import Path

import pytest

from loadtests.harness.cores import choose_cores
from loadtests.lab.measuring.subject import Load
from loadtests.lab.measuring.targets import TargetRig
from loadtests.lab.planning.scenario import read_scenario
from loadtests.lab.results.summary import TrialPlan, summarize_trial
from loadtests.lab.verdict.thresholds import read_thresholds
from tests.e2e.demo import Demo, new_installation

pytestmark = pytest.mark.long


def test_running_system_is_loaded_and_summarized(tmp_path: Path) -> None:
    installation = new_installation(tmp_path / "data")
    load = Load(scenario=read_scenario("founder"), rate=10, seconds=6, seed=1, warm_up_seconds=2)
    with Demo(installation, "--no-seed"):
        rig = TargetRig({"A": installation.url}, choose_cores())
        with rig.running("A") as running:
            (tmp_path / "rows").mkdir()
            reading = running.play({"A": load}, {"A": tmp_path / "rows"})["A"]
    assert (reading.roles, reading.freshness) == ({}, {})
    trial = summarize_trial(TrialPlan("x", 0, 1, "A", "capacity"), load, reading, read_thresholds().validity)
    assert 30 < trial.modules["scheduling"].arrivals < 100
    assert trial.modules["scheduling"].errors == 0
    assert trial.bookings > 0
    assert trial.journeys["search"].good > 0
