"""Each verdict and its exit code, from runs that lead there; and nothing is decided that the runs do not decide."""

import pytest

from loadtests.lab.results.model import Run
from loadtests.lab.verdict.verdict import Verdict, judge
from tests.unit.loadtests.lab.example_runs import BLOCKS, THRESHOLDS, idle, module, run, runs

PROBLEM = {"M1": 2_000.0, "M2": 1_500.0, "MB": 1_200.0, "MC": 900.0}


def judged(found: list[Run]) -> Verdict:
    return judge(found, THRESHOLDS)


def passed(verdict: Verdict) -> dict[str, bool | None]:
    return {gate.name: gate.passed for gate in verdict.gates}


def test_extraction_that_solves_what_nothing_else_does() -> None:
    verdict = judged([*runs({**PROBLEM, "X": 200.0}), *idle({"M1": 5.0, "X": 7.0})])
    assert (verdict.outcome, verdict.exit_code) == ("EXTRACT", 0)
    assert "X keeps it" in verdict.because
    assert all(passed(verdict).values())
    assert list(passed(verdict)) == [
        "noise",
        "a problem",
        "no remedy: M2",
        "no remedy: MB",
        "no remedy: MC",
        "a solution: X",
        "worth it: processor time a booking",
        "worth it: idle median of scheduling",
    ]


def test_no_measured_problem() -> None:
    verdict = judged(runs({"M1": 200.0, "M2": 150.0, "MB": 150.0, "X": 100.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert verdict.because.startswith("no measured problem")


@pytest.mark.parametrize("arm", ["M2", "MB", "MC", "M1-an-index"])
def test_a_remedy_that_keeps_the_monolith_is_used(arm: str) -> None:
    verdict = judged(runs({**PROBLEM, arm: 250.0, "X": 100.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert verdict.because.startswith(f"use {arm}")


def test_extraction_that_solves_nothing() -> None:
    verdict = judged(runs({**PROBLEM, "X": 1_900.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert "does not solve it either" in verdict.because


def test_extraction_that_costs_more_than_it_is_worth() -> None:
    verdict = judged(runs({**PROBLEM, "X": 200.0}, cpu_ms={"X": 30_000.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert "costs more" in verdict.because
    assert passed(verdict)["worth it: processor time a booking"] is False


def test_idle_hours_that_become_slow_are_a_price_too() -> None:
    verdict = judged([*runs({**PROBLEM, "X": 200.0}), *idle({"M1": 5.0, "X": 40.0})])
    assert verdict.outcome == "DON'T EXTRACT"
    assert passed(verdict)["worth it: idle median of scheduling"] is False


def test_what_the_interval_reaches_over_is_not_decided() -> None:
    wide = (0.5, 1.6, 0.8, 1.3)
    verdict = judged(runs({"M1": 500.0, "M2": 500.0, "MB": 500.0, "X": 100.0}, spread=wide))
    assert (verdict.outcome, verdict.exit_code) == ("INCONCLUSIVE", 20)
    assert verdict.advice.startswith(f"run {verdict.more_blocks} more block")


@pytest.mark.parametrize("tried", [(), ("M2",), ("M2", "MB"), ("M2", "MB", "M1-an-index")])
def test_no_verdict_for_extraction_before_every_remedy_was_tried(tried: tuple[str, ...]) -> None:
    verdict = judged(runs({"M1": 2_000.0, "X": 100.0} | dict.fromkeys(tried, 1_500.0)))
    missing = " and ".join(arm for arm in ("M2", "MB", "MC") if arm not in tried)
    assert (verdict.outcome, verdict.because) == (
        *("INCONCLUSIVE", f"not every remedy was measured: run {missing} too"),
    )
    assert verdict.advice == "", "more blocks of the same arms would not decide it"


def test_a_remedy_of_the_reader_s_own_that_does_not_help_either_is_among_the_gates() -> None:
    verdict = judged([*runs({**PROBLEM, "M1-an-index": 1_900.0, "X": 200.0}), *idle({"M1": 5.0, "X": 6.0})])
    assert verdict.outcome == "EXTRACT"
    assert passed(verdict)["no remedy: M1-an-index"] is True


def test_noise_that_hides_everything_is_not_decided() -> None:
    found = runs({**PROBLEM, "X": 200.0})
    for block, factor in enumerate((0.4, 2.4, 0.6, 1.7)):
        found.append(run("M1'", block, 2_000.0 * factor))
    verdict = judged(found)
    assert (verdict.outcome, passed(verdict)["noise"]) == ("INCONCLUSIVE", None)


def test_a_difference_where_there_is_none_is_invalid() -> None:
    verdict = judged(runs({**PROBLEM, "M1'": 3_000.0, "X": 200.0}))
    assert (verdict.outcome, verdict.exit_code) == ("INVALID", 30)


def test_runs_that_must_not_be_believed_do_not_count() -> None:
    found = [
        run(arm, block, 2_000.0 * factor, problems=("the generator was 40 ms late",))
        for block, factor in enumerate(BLOCKS)
        for arm in ("M1", "M1'", "M2", "MB", "MC", "X")
    ]
    verdict = judged(found)
    assert (verdict.outcome, verdict.exit_code) == ("INVALID", 30)
    assert "the generator was 40 ms late" in verdict.because


def test_a_neighbour_that_suffers_is_a_problem() -> None:
    """Scheduling itself is well; what the peak does to sign-ins is the problem."""
    found = [
        run(arm, block, 100.0, modules={"auth": module(900 if arm.startswith("M") else 60)})
        for block in range(4)
        for arm in ("M1", "M1'", "M2", "MB", "MC", "X")
    ]
    assert judged(found).outcome == "EXTRACT"


def test_who_gets_an_error_counts_as_not_answered() -> None:
    found = [
        run(arm, block, 100.0, modules={"scheduling": module(100.0, errors=50 if arm != "X" else 0)})
        for block in range(4)
        for arm in ("M1", "M1'", "M2", "MB", "MC", "X")
    ]
    assert judged(found).outcome == "EXTRACT"


def test_nothing_measured_is_invalid() -> None:
    assert judged([]).exit_code == 30
