"""Each verdict with its exit code, from constructed runs; undecided gates stay undecided."""

import pytest

from loadtests.lab.results.model import Run
from loadtests.lab.verdict.verdict import Verdict, judge
from tests.unit.loadtests.lab.example_runs import BLOCKS, THRESHOLDS, idle, module, run, runs

PROBLEM = {"M1": 2_000.0, "M2": 1_500.0, "MB": 1_200.0, "MC": 900.0}


def judged(found: list[Run]) -> Verdict:
    return judge(found, THRESHOLDS)


def passed(verdict: Verdict) -> dict[str, bool | None]:
    return {gate.name: gate.passed for gate in verdict.gates}


def test_extraction_that_meets_the_slo_alone_is_recommended() -> None:
    verdict = judged([*runs({**PROBLEM, "X": 200.0}), *idle({"M1": 5.0, "X": 7.0})])
    assert (verdict.outcome, verdict.exit_code) == ("EXTRACT", 0)
    assert "X meets it" in verdict.because
    assert all(passed(verdict).values())
    assert list(passed(verdict)) == [
        "noise",
        "problem",
        "insufficient remedy: M2",
        "insufficient remedy: MB",
        "insufficient remedy: MC",
        "solution: X",
        "acceptable cost: CPU time per booking",
        "acceptable cost: median latency of scheduling when idle",
    ]


def test_met_slo_is_no_problem() -> None:
    verdict = judged(runs({"M1": 200.0, "M2": 150.0, "MB": 150.0, "X": 100.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert verdict.because.startswith("no measured problem")


@pytest.mark.parametrize("arm", ["M2", "MB", "MC", "M1-an-index"])
def test_sufficient_remedy_is_preferred(arm: str) -> None:
    verdict = judged(runs({**PROBLEM, arm: 250.0, "X": 100.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert verdict.because.startswith(f"use {arm}")


def test_insufficient_extraction_is_rejected() -> None:
    verdict = judged(runs({**PROBLEM, "X": 1_900.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert "does not meet the SLO either" in verdict.because


def test_costly_extraction_is_rejected() -> None:
    verdict = judged(runs({**PROBLEM, "X": 200.0}, cpu_ms={"X": 30_000.0}))
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10)
    assert "cost of extraction exceeds its limit" in verdict.because
    assert passed(verdict)["acceptable cost: CPU time per booking"] is False


def test_slow_idle_hours_count_as_a_cost() -> None:
    verdict = judged([*runs({**PROBLEM, "X": 200.0}), *idle({"M1": 5.0, "X": 40.0})])
    assert verdict.outcome == "DON'T EXTRACT"
    assert passed(verdict)["acceptable cost: median latency of scheduling when idle"] is False


def test_interval_that_includes_the_threshold_is_inconclusive() -> None:
    wide = (0.5, 1.6, 0.8, 1.3)
    verdict = judged(runs({"M1": 500.0, "M2": 500.0, "MB": 500.0, "X": 100.0}, spread=wide))
    assert (verdict.outcome, verdict.exit_code) == ("INCONCLUSIVE", 20)
    assert verdict.advice.startswith(f"run {verdict.more_blocks} more block")


@pytest.mark.parametrize("tried", [(), ("M2",), ("M2", "MB"), ("M2", "MB", "M1-an-index")])
def test_extraction_is_not_recommended_before_every_remedy_was_measured(tried: tuple[str, ...]) -> None:
    verdict = judged(runs({"M1": 2_000.0, "X": 100.0} | dict.fromkeys(tried, 1_500.0)))
    missing = " and ".join(arm for arm in ("M2", "MB", "MC") if arm not in tried)
    assert (verdict.outcome, verdict.because) == (
        *("INCONCLUSIVE", f"not every remedy was measured: also run {missing}"),
    )
    assert verdict.advice == "", "more blocks of the same arms would not decide it"


def test_insufficient_custom_remedy_is_among_the_gates() -> None:
    verdict = judged([*runs({**PROBLEM, "M1-an-index": 1_900.0, "X": 200.0}), *idle({"M1": 5.0, "X": 6.0})])
    assert verdict.outcome == "EXTRACT"
    assert passed(verdict)["insufficient remedy: M1-an-index"] is True


def test_noisy_runs_are_inconclusive() -> None:
    found = runs({**PROBLEM, "X": 200.0})
    for block, factor in enumerate((0.4, 2.4, 0.6, 1.7)):
        found.append(run("M1'", block, 2_000.0 * factor))
    verdict = judged(found)
    assert (verdict.outcome, passed(verdict)["noise"]) == ("INCONCLUSIVE", None)


def test_failed_aa_test_makes_the_results_invalid() -> None:
    verdict = judged(runs({**PROBLEM, "M1'": 3_000.0, "X": 200.0}))
    assert (verdict.outcome, verdict.exit_code) == ("INVALID", 30)


def test_invalid_runs_do_not_count() -> None:
    found = [
        run(arm, block, 2_000.0 * factor, problems=("the generator was 40 ms late",))
        for block, factor in enumerate(BLOCKS)
        for arm in ("M1", "M1'", "M2", "MB", "MC", "X")
    ]
    verdict = judged(found)
    assert (verdict.outcome, verdict.exit_code) == ("INVALID", 30)
    assert "the generator was 40 ms late" in verdict.because


def test_slow_neighbour_is_a_problem() -> None:
    """Scheduling meets its SLO, but sign-ins do not."""
    found = [
        run(arm, block, 100.0, modules={"auth": module(900 if arm.startswith("M") else 60)})
        for block in range(4)
        for arm in ("M1", "M1'", "M2", "MB", "MC", "X")
    ]
    assert judged(found).outcome == "EXTRACT"


def test_errors_count_as_a_missed_slo() -> None:
    found = [
        run(arm, block, 100.0, modules={"scheduling": module(100.0, errors=50 if arm != "X" else 0)})
        for block in range(4)
        for arm in ("M1", "M1'", "M2", "MB", "MC", "X")
    ]
    assert judged(found).outcome == "EXTRACT"


def test_no_runs_are_invalid() -> None:
    assert judged([]).exit_code == 30
