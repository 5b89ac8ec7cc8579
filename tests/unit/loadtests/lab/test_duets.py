"""Duets: two arms side by side on the same machine, with the same arrivals, have comparable capacities."""

import math
from dataclasses import replace
from pathlib import Path
from statistics import fmean, stdev

import pytest

from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.results.model import Results
from tests.unit.loadtests.lab.laboratories import conditions, run_laboratory, scenario_text
from tests.unit.loadtests.lab.simulated_rig import SimulatedArm, SimulatedRig

# Small budgets, so that few arrivals reach the capacity. The limits are long compared with the work of one request, so
# that the capacity is in proportion to the work.
SCENARIO = (
    scenario_text("popular-day")
    .replace("total = 9", "total = 6")
    .replace("database = 3", "database = 2")
    .replace(" = 500", " = 2500")
)
NOISY = 0.1
"""The speed of the machine varies by 7 % from trial to trial; arms side by side share it."""


def duets(out: Path, other: SimulatedArm, count: int) -> Results:
    rig = SimulatedRig(simulated={"M1": SimulatedArm(), "M1'": other}, noise=NOISY)
    found = conditions(arms=("M1", "M1'"), scenario=SCENARIO, blocks=count, map_only=True)
    return run_laboratory(out, rig, found)


def log_ratios(results: Results) -> list[float]:
    figures = ReportFigures(results)
    return [math.log(ratio) for ratio in figures.record.ratios("M1'", figures.blocks)]


@pytest.fixture(scope="module")
def repeated(tmp_path_factory: pytest.TempPathFactory) -> Results:
    return duets(tmp_path_factory.mktemp("lab") / "aa", SimulatedArm(), 20)


def test_twenty_duets_of_the_same_arm_have_a_mean_within_3_percent(repeated: Results) -> None:
    ratios = log_ratios(repeated)
    assert len(ratios) == 20
    assert abs(fmean(ratios)) <= 0.03
    assert stdev(ratios) <= 0.08


def test_equivalence_is_shown_and_reported(repeated: Results) -> None:
    figures = ReportFigures(repeated)
    assert figures.equivalence().endswith("The interval is within 10% of 1, so equivalence was shown.")
    assert figures.spread_of_repeats().startswith("20 A/A pairs: mean ratio ")


def test_planted_fifth_of_processor_time_is_found(tmp_path: Path) -> None:
    """An arm with 1.2 times the work has 0.83 times the capacity."""
    slower = duets(tmp_path / "lab", replace(SimulatedArm(), slow=1.2), 8)
    found = ReportFigures(slower).ratio("M1'")
    assert found is not None
    assert found.value == pytest.approx(1 / 1.2, abs=0.05)
    assert found.high < 1
    assert "equivalence was not shown" in ReportFigures(slower).equivalence()
