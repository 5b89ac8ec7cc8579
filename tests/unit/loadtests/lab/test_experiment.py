"""The order of a laboratory: what is measured, when it stops, and how it resumes."""

from pathlib import Path

import msgspec
import pytest

from loadtests.lab.measuring.subject import Load, Reading
from loadtests.lab.planning.demands import demand_loads, limiting_role, predict_capacity, solve_demands
from loadtests.lab.planning.scenario import parse_scenario
from loadtests.lab.results.model import MachineSpeed, Results
from loadtests.lab.verdict.capacities import TrialRecord
from loadtests.lab.verdict.verdict import scenario_of
from tests.unit.loadtests.lab.laboratories import (
    THRESHOLDS,
    conditions,
    run_laboratory,
    scenario_text,
)
from tests.unit.loadtests.lab.simulated_rig import DATABASE_MS, SimulatedRig

FOUNDER = scenario_text("founder", forecast=38.0)


class Interrupted(Exception):
    """Ends a simulated laboratory after some trials."""


class InterruptedRig(SimulatedRig):
    left = 12

    def play(self, loads: dict[str, Load], folders: dict[str, Path]) -> dict[str, Reading]:  # type: ignore[override]
        if not self.left:
            raise Interrupted
        self.left -= 1
        return super().play(loads, folders)


def purposes(results: Results, arm: str = "M1") -> list[str]:
    """Return the purposes of an arm's trials, without repetitions."""
    return list(dict.fromkeys(f"{trial.block}:{trial.purpose}" for trial in results.trials if trial.arm == arm))


def test_m1_is_measured_alone_before_any_block(tmp_path: Path) -> None:
    results = run_laboratory(tmp_path / "lab", SimulatedRig(), conditions(arms=("M1", "X"), scenario=FOUNDER, blocks=1))
    assert purposes(results) == [
        "0:demand", "0:capacity", "1:capacity", "1:isolation", "1:cost",
    ]  # fmt: skip
    assert purposes(results, "X") == ["1:capacity", "1:isolation", "1:cost"]
    assert {trial.partner for trial in results.trials if trial.block} == {"M1", "X"}


def test_arms_side_by_side_get_the_same_seed_at_every_moment(tmp_path: Path) -> None:
    results = run_laboratory(tmp_path / "lab", SimulatedRig(), conditions(arms=("M1", "X"), scenario=FOUNDER, blocks=1))
    seeds: dict[int, set[int]] = {}
    for trial in results.trials:
        if trial.block:
            seeds.setdefault(trial.place, set()).add(trial.seed)
    assert all(len(each) == 1 for each in seeds.values())
    assert len({min(each) for each in seeds.values()}) == len(seeds), "another seed for every trial"


def test_arm_with_more_database_begins_above_m1_where_the_database_limits_m1(tmp_path: Path) -> None:
    described = conditions(arms=("M1", "MB", "X"), scenario=FOUNDER, blocks=1)
    results = run_laboratory(tmp_path / "lab", SimulatedRig(paired=False), described)
    first = {trial.arm: trial.rate for trial in reversed(results.trials) if trial.block and trial.purpose == "capacity"}
    assert first["X"] > 1.3 * first["M1"]
    assert first["MB"] == pytest.approx(first["M1"], rel=0.15)


def test_only_floods_need_no_freshness(tmp_path: Path) -> None:
    """A flood judges the other modules' answers; the follow-up work that it leaves is done without budgets."""
    judged: dict[str, set[bool]] = {}

    class Recording(SimulatedRig):
        def play(self, loads: dict[str, Load], folders: dict[str, Path]) -> dict[str, Reading]:  # type: ignore[override]
            for load in loads.values():
                flood = load.seconds == THRESHOLDS.isolation.seconds
                judged.setdefault("flood" if flood else "other", set()).add(load.judge_freshness)
            return super().play(loads, folders)

    run_laboratory(tmp_path / "lab", Recording(), conditions(arms=("M1", "X"), scenario=FOUNDER, blocks=1))
    assert judged == {"flood": {False}, "other": {True}}


def test_interrupted_laboratory_continues_with_the_same_trials(tmp_path: Path) -> None:
    described = conditions(arms=("M1", "X"), scenario=FOUNDER, blocks=1)
    with pytest.raises(Interrupted):
        run_laboratory(tmp_path / "resumed", InterruptedRig(), described)
    resumed = run_laboratory(tmp_path / "resumed", SimulatedRig(), described)
    assert resumed == run_laboratory(tmp_path / "whole", SimulatedRig(), described)


def test_complete_laboratory_is_not_measured_again(tmp_path: Path) -> None:
    described = conditions(arms=("M1", "X"), scenario=FOUNDER, blocks=1)
    run_laboratory(tmp_path / "lab", SimulatedRig(), described)
    again = SimulatedRig()
    run_laboratory(tmp_path / "lab", again, described)
    assert again.played == []


@pytest.fixture(scope="module")
def trials_before_the_blocks(tmp_path_factory: pytest.TempPathFactory) -> int:
    """Return how many trials of M1 come before the first block, on an undisturbed machine."""
    described = conditions(arms=("M1",), scenario=FOUNDER, blocks=1)
    results = run_laboratory(tmp_path_factory.mktemp("lab") / "lab", SimulatedRig(), described)
    return sum(not trial.block for trial in results.trials)


def test_searches_alone_end_with_the_first_that_shows_a_problem(tmp_path: Path) -> None:
    """Three searches show that there is none; after one below the demanded rate, they cannot."""
    for name, scenario in (("problem", FOUNDER), ("none", scenario_text("founder", forecast=5.0))):
        results = run_laboratory(tmp_path / name, SimulatedRig(), conditions(arms=("M1",), scenario=scenario, blocks=1))
        searches = {trial.stage for trial in results.trials if not trial.block and trial.purpose == "capacity"}
        assert len(searches) == (1 if name == "problem" else 3)


def test_first_block_shows_whether_every_arm_isolates(tmp_path: Path) -> None:
    """An arm that fails there is not undecided, wherever its capacity is."""
    described = conditions(arms=("M1", "MB", "X"), scenario=FOUNDER, blocks=2)
    results = run_laboratory(tmp_path / "lab", SimulatedRig(), described)
    flooded = [
        {trial.arm for trial in results.trials if trial.purpose == "isolation" and trial.block == block}
        for block in (1, 2)
    ]
    assert flooded == [{"M1", "MB", "X"}, {"X"}]


def test_trial_at_another_speed_of_the_machine_does_not_count(tmp_path: Path, trials_before_the_blocks: int) -> None:
    """The registered rule: repeated, and no figure is corrected by the speed."""

    class SlowOnce(SimulatedRig):
        def play(self, loads: dict[str, Load], folders: dict[str, Path]) -> dict[str, Reading]:  # type: ignore[override]
            speed = 0.7 if len(self.played) == trials_before_the_blocks + 1 else 1.0
            found = super().play(loads, folders)
            return {arm: msgspec.structs.replace(reading, speed=speed) for arm, reading in found.items()}

    waits: list[float] = []
    described = conditions(arms=("M1",), scenario=FOUNDER, blocks=1)
    results = run_laboratory(tmp_path / "lab", SlowOnce(), described, sleep=waits.append)
    rates = [trial.rate for trial in results.trials]
    slow = next(place for place, trial in enumerate(results.trials) if trial.speed == 0.7)
    assert rates[slow + 1] == rates[slow]
    assert waits == [THRESHOLDS.speed.pause], "the machine may be disturbed for a while"


def test_trials_are_compared_with_the_speed_for_which_the_rates_were_chosen(tmp_path: Path) -> None:
    """A forecast that was scaled to a fast machine does not apply to a slow one."""

    class Slower(SimulatedRig):
        def play(self, loads: dict[str, Load], folders: dict[str, Path]) -> dict[str, Reading]:  # type: ignore[override]
            speed = 0.7 if len(self.played) < 3 else 1.0
            found = super().play(loads, folders)
            return {arm: msgspec.structs.replace(reading, speed=speed) for arm, reading in found.items()}

    chosen = MachineSpeed(ratio=1.0, base=1.0)
    described = msgspec.structs.replace(conditions(arms=("M1",), scenario=FOUNDER, blocks=1), speed=chosen)
    results = run_laboratory(tmp_path / "lab", Slower(), described)
    record = TrialRecord(results, scenario_of(results), THRESHOLDS)
    assert {trial.speed for trial in record.trials if record.is_at_other_speed(trial)} == {0.7}


def test_search_survives_a_machine_that_is_disturbed_for_some_trials(
    tmp_path: Path, trials_before_the_blocks: int
) -> None:
    """Trials at another speed are repeated more often than those that the arm may have caused."""
    first = trials_before_the_blocks + 1
    disturbed = range(first, first + THRESHOLDS.search.repeats + 2)

    class SlowForAWhile(SimulatedRig):
        def play(self, loads: dict[str, Load], folders: dict[str, Path]) -> dict[str, Reading]:  # type: ignore[override]
            speed = 0.7 if len(self.played) in disturbed else 1.0
            found = super().play(loads, folders)
            return {arm: msgspec.structs.replace(reading, speed=speed) for arm, reading in found.items()}

    results = run_laboratory(tmp_path / "lab", SlowForAWhile(), conditions(arms=("M1",), scenario=FOUNDER, blocks=1))
    slow = [trial for trial in results.trials if trial.speed == 0.7]
    assert len({trial.rate for trial in slow}) == 1
    assert TrialRecord(results, scenario_of(results), THRESHOLDS).search("M1", slow[0].stage).bracket().complete


def test_prediction_names_the_bottleneck(tmp_path: Path) -> None:
    """The utilization law applies to the processor time that additional arrivals of each journey cause."""
    results = run_laboratory(
        tmp_path / "lab", SimulatedRig(noise=0.0), conditions(arms=("M1",), scenario=FOUNDER, blocks=1)
    )
    trials = [trial for trial in results.trials if trial.purpose == "demand"]
    mix = scenario_of(results).load.mix
    predicted = predict_capacity(trials, mix)
    assert predicted is not None
    assert predicted.bottleneck == "postgres-main"
    assert predicted.rate == pytest.approx(36, rel=0.35)
    demands = {(each.role, each.journey): each.cpu_ms for each in solve_demands(trials, list(mix))}
    assert demands["postgres-main", "search"] == pytest.approx(DATABASE_MS["search"], rel=0.6)
    assert demands["postgres-main", "book"] > demands["postgres-main", "search"]
    overloaded = max((trial for trial in results.trials if trial.purpose == "capacity"), key=lambda trial: trial.rate)
    found = limiting_role(overloaded)
    assert found is not None
    assert found[0] == "postgres-main"


def test_demands_of_a_slow_machine_are_measured_at_lower_rates_with_as_many_arrivals() -> None:
    fast, slow = (demand_loads(parse_scenario(FOUNDER), ratio) for ratio in (1.5, 0.4))
    assert [load.rate for load in slow] == pytest.approx([0.4 * load.rate for load in fast])
    assert [load.rate * load.seconds for load in slow] == pytest.approx([load.rate * load.seconds for load in fast])
    for load in slow:
        assert sum(load.scenario.load.mix.values()) == pytest.approx(load.rate)
