"""Whole laboratories on simulated queues with the same service times in every arm, to each outcome.

The arms differ only in which queues share a server. Budgets have the same total, so an arm with a second database has
less for its web servers.
"""

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from deploy.errors import CommandError
from loadtests.generator.estimates import Estimate
from loadtests.lab.measuring.subject import RoleReading
from loadtests.lab.planning.scenario import read_scenario
from loadtests.lab.report.figures import ReportFigures
from loadtests.lab.report.page import render
from loadtests.lab.report.tables import blast_table
from loadtests.lab.results.model import Results, Trial
from loadtests.lab.verdict.alternatives import conditions_of_error
from loadtests.lab.verdict.capacities import TrialRecord
from loadtests.lab.verdict.findings import ArmFinding
from loadtests.lab.verdict.verdict import Verdict, best_of, judge, judge_results, scenario_of
from tests.unit.loadtests.lab.laboratories import THRESHOLDS, conditions, run_laboratory, scenario_text
from tests.unit.loadtests.lab.simulated_rig import SimulatedRig

DEMAND = 38.0
"""Between the capacity of one database for everything and that of a database for scheduling alone."""


def measure(out: Path, rig: SimulatedRig, scenario: str, arms: str, **changes: object) -> Results:
    """Run a laboratory with the text of a scenario."""
    return run_laboratory(out, rig, conditions(arms=arms.split(","), scenario=scenario, **changes))


FOUNDER = scenario_text("founder", forecast=DEMAND)
KILLED = """["scheduling's web process is killed"]"""
NO_ISOLATION = FOUNDER.replace("isolation = true", "isolation = false")


@pytest.fixture(scope="module")
def founder(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return the founder's laboratory, with every kind of arm."""
    return measure(tmp_path_factory.mktemp("lab") / "founder", SimulatedRig(), FOUNDER, "M1,MC,MB,M2,MV,MBV,MD,XI,X")


def rejudged(results: Results, **changes: bool) -> Verdict:
    return judge(TrialRecord(results, scenario_of(results), THRESHOLDS), results.conditions.arms, **changes)


def gates(verdict: Verdict) -> dict[str, bool | None]:
    return {gate.name: gate.passed for gate in verdict.gates}


def test_full_database_and_promised_isolation_are_extracted(founder: Results) -> None:
    verdict = judge_results(founder)
    assert (verdict.outcome, verdict.best, verdict.exit_code) == ("EXTRACT", "X", 0), verdict
    assert gates(verdict) == {
        "problem": True,
        "insufficient remedy: MC": True,
        "insufficient remedy: MB": True,
        "insufficient remedy: M2": True,
        "insufficient remedy: MD": True,
        "beyond the ceiling: MV": False,
        "beyond the ceiling: MBV": True,
        "solution: XI": True,
        "solution: X": True,
        "acceptable cost: processor time per booking": True,
        "acceptable cost: median latency of scheduling": True,
    }


def test_each_remedy_fails_for_its_own_reason(founder: Results) -> None:
    """A process of its own does not enlarge the database; a database of its own does not protect the other modules."""
    found = {finding.arm: finding for finding in judge_results(founder).findings}
    assert found["MB"].capacity is not None
    assert found["MB"].capacity.high < DEMAND
    assert found["MD"].capacity is not None
    assert found["MD"].capacity.low > DEMAND
    assert found["MD"].isolated is False
    assert (found["XI"].isolated, found["X"].isolated) == (True, True)


def test_without_the_promise_of_isolation_only_the_data_is_taken_out(founder: Results) -> None:
    verdict = rejudged(founder, isolation=False)
    assert (verdict.outcome, verdict.best, verdict.exit_code) == ("DON'T EXTRACT", "MD", 10), verdict
    assert verdict.because.startswith("take the data out, keep the deployable (MD)")


@pytest.fixture(scope="module")
def contained(tmp_path_factory: pytest.TempPathFactory) -> Results:
    """Return a founder's laboratory whose promise is that crashes of scheduling harm no other module, floods apart."""
    scenario = NO_ISOLATION.replace("isolation = false", f"contained = {KILLED}")
    return measure(tmp_path_factory.mktemp("lab") / "lab", SimulatedRig(), scenario, "M1,MC,MB,M2,MBV,MD,XI,X")


def test_full_database_and_promised_containment_are_extracted(contained: Results) -> None:
    """A database of its own carries the load, but scheduling's crash is still one of the whole monolith."""
    verdict = judge_results(contained)
    assert (verdict.outcome, verdict.best) == ("EXTRACT", "X"), verdict
    found = {finding.arm: finding for finding in verdict.findings}
    assert {arm: finding.contained for arm, finding in found.items() if finding.contained is not None} == {
        "M1": False,
        "MC": False,
        "MB": True,
        "M2": False,
        "MD": False,
        "MBV": True,
        "XI": True,
        "X": True,
    }
    assert "contained in 0 of 4 trials" in found["MD"].text


def test_without_the_promise_of_containment_only_the_data_is_taken_out(contained: Results) -> None:
    verdict = rejudged(contained, containment=False)
    assert (verdict.outcome, verdict.best) == ("DON'T EXTRACT", "MD"), verdict


def test_report_says_what_the_promise_of_containment_decided(contained: Results) -> None:
    verdict = judge_results(contained)
    record = TrialRecord(contained, scenario_of(contained), THRESHOLDS)
    conditions = list(conditions_of_error(record, contained.conditions.arms, verdict))
    assert any(
        each.startswith("If containment of faults were not promised, the answer would be DON'T EXTRACT: take the data")
        for each in conditions
    ), conditions
    page = render(contained, verdict)
    assert "sustains the demanded rate, but does not contain faults" in page
    assert (
        "the other modules keep their promises during the fault &#34;scheduling&#39;s web process is killed&#34;"
        in page
    )
    (row,) = blast_table(ReportFigures(contained)).rows
    shares = dict(zip(blast_table(ReportFigures(contained)).head, row, strict=True))
    assert shares["X: billing"] == "0%"
    assert shares["MD: billing"] != "0%"


def test_each_block_has_one_of_the_faults_in_turn(tmp_path: Path) -> None:
    scenario = NO_ISOLATION.replace("isolation = false", f"""contained = ["nothing fails", {KILLED.strip("[]")}]""")
    results = measure(tmp_path / "lab", SimulatedRig(), scenario, "M1,X", blocks=3)
    happened = {(trial.block, trial.arm, trial.fault) for trial in results.trials if trial.purpose == "containment"}
    killed = "scheduling's web process is killed"
    assert happened == {
        (1, "M1", "nothing fails"),
        (1, "X", "nothing fails"),
        (2, "X", killed),
        (3, "X", "nothing fails"),
    }


def test_unknown_fault_is_refused_with_its_place_in_the_file(tmp_path: Path) -> None:
    file = tmp_path / "mine.toml"
    file.write_text(NO_ISOLATION.replace("isolation = false", 'contained = ["an earthquake"]'))
    with pytest.raises(CommandError, match=r"Invalid enum value 'an earthquake' - at `\$\.promises\.contained"):
        read_scenario(str(file))


def test_without_a_ceiling_a_larger_database_is_the_best_remedy(founder: Results) -> None:
    verdict = rejudged(founder, isolation=False, ceiling=False)
    assert (verdict.outcome, verdict.best) == ("DON'T EXTRACT", "MV"), verdict
    assert verdict.because.startswith("buy a larger database server (MV)")


def test_without_a_ceiling_a_bulkhead_and_a_larger_database_isolate_as_well(founder: Results) -> None:
    verdict = rejudged(founder, ceiling=False)
    assert (verdict.outcome, verdict.best) == ("DON'T EXTRACT", "MBV"), verdict
    assert verdict.because.startswith("buy a bulkhead and a larger database server (MBV)")


def test_small_product_has_no_measured_problem_before_any_block(tmp_path: Path) -> None:
    rig = SimulatedRig()
    verdict = judge_results(measure(tmp_path / "lab", rig, scenario_text("two-hundred-users"), "M1,MC,MB,M2,MD,X"))
    assert (verdict.outcome, verdict.best) == ("DON'T EXTRACT", "M1")
    assert verdict.because.startswith("no measured problem")
    assert {arm for arm, _ in rig.played} == {"M1"}


def test_popular_days_need_a_cache(tmp_path: Path) -> None:
    scenario = (
        scenario_text("popular-day", forecast=90.0)
        .replace("total = 9", "total = 6")
        .replace("database = 3", "database = 2")
    )
    verdict = judge_results(measure(tmp_path / "lab", SimulatedRig(), scenario, "M1,MC,MB"))
    assert (verdict.outcome, verdict.best) == ("DON'T EXTRACT", "MC"), verdict
    assert verdict.because.startswith("use a cache (MC)")


def test_sales_need_a_bulkhead(tmp_path: Path) -> None:
    """Buyers accept to wait; without threads of their own the other modules wait behind them.

    The database has a larger budget than the registered one: in this simulation, it would else be the bottleneck of
    every arm.
    """
    scenario = scenario_text("on-sale", forecast=160.0).replace("database = 2", "database = 3")
    verdict = judge_results(measure(tmp_path / "lab", SimulatedRig(), scenario, "M1,MB,M2"))
    assert (verdict.outcome, verdict.best) == ("DON'T EXTRACT", "MB"), verdict
    assert verdict.because.startswith("use a bulkhead (MB)")


def test_extraction_does_not_help_against_a_lock(tmp_path: Path) -> None:
    rig = SimulatedRig().changed(locked_ms=60.0)
    verdict = judge_results(measure(tmp_path / "lab", rig, NO_ISOLATION, "M1,MC,MB,M2,MD,X"))
    assert verdict.outcome == "DON'T EXTRACT", verdict
    assert "the bottleneck is elsewhere" in verdict.because


def same(trial: Trial) -> Trial | None:
    return trial


def with_trials(results: Results, arms: str | None = None, cost: Callable[[Trial], Trial | None] = same) -> Verdict:
    """Judge the results again, with these arms only, or with the cost trials replaced or removed."""
    kept = results.conditions.arms if arms is None else tuple(arms.split(","))
    found = [cost(trial) if trial.purpose == "cost" else trial for trial in results.trials if trial.arm in kept]
    trials = tuple(trial for trial in found if trial is not None)
    conditions = msgspec.structs.replace(results.conditions, arms=kept)
    return judge_results(msgspec.structs.replace(results, trials=trials, conditions=conditions))


def test_expensive_service_is_not_worth_it(founder: Results) -> None:
    def tripled(trial: Trial) -> Trial:
        factor = 3 if trial.arm == "X" else 1
        roles = {name: RoleReading(cpu_ms=role.cpu_ms * factor) for name, role in trial.roles.items()}
        return msgspec.structs.replace(trial, roles=roles)

    verdict = with_trials(founder, cost=tripled)
    assert (verdict.outcome, verdict.exit_code) == ("DON'T EXTRACT", 10), verdict
    assert "the cost of extraction exceeds its limit: processor time per booking" in verdict.because


def test_unmeasured_cost_prevents_a_verdict_for_extraction(founder: Results) -> None:
    verdict = with_trials(founder, cost=lambda _trial: None)
    assert (verdict.outcome, verdict.exit_code) == ("INCONCLUSIVE", 20), verdict
    assert "processor time per booking was not measured" in verdict.because


@pytest.mark.parametrize("missing", ["MC", "MB", "M2", "MD"])
def test_extraction_is_not_advised_before_every_remedy_was_measured(founder: Results, missing: str) -> None:
    arms = ",".join(arm for arm in founder.conditions.arms if arm != missing)
    verdict = with_trials(founder, arms)
    assert (verdict.outcome, verdict.because) == (
        "INCONCLUSIVE",
        f"not every remedy was measured: also run {missing}",
    )


def test_arms_without_the_repeat_of_m1_reach_a_verdict(founder: Results) -> None:
    """The documented lists of arms had no M1', and always ended INVALID."""
    assert "M1'" not in founder.conditions.arms
    assert judge_results(founder).outcome == "EXTRACT"


def test_without_a_forecast_there_is_a_map_and_no_verdict(founder: Results) -> None:
    text = re.sub(r"^forecast = .*$", "", founder.conditions.scenario, flags=re.MULTILINE)
    conditions = msgspec.structs.replace(founder.conditions, scenario=text)
    verdict = judge_results(msgspec.structs.replace(founder, conditions=conditions))
    assert (verdict.outcome, verdict.exit_code) == ("NO VERDICT", 40)


def test_interrupted_laboratory_is_judged_at_its_last_complete_look(founder: Results) -> None:
    few = tuple(trial for trial in founder.trials if trial.block < 4)
    verdict = judge_results(msgspec.structs.replace(founder, trials=few))
    assert (verdict.outcome, verdict.needs_blocks) == ("INCONCLUSIVE", 4)
    assert verdict.advice == "the next registered look is after block 4"


def test_late_generator_makes_a_laboratory_invalid(tmp_path: Path) -> None:
    """In every figure its stall looks like the server's."""
    verdict = judge_results(measure(tmp_path / "lab", SimulatedRig().changed(stall=4.0), FOUNDER, "M1,X", blocks=4))
    assert (verdict.outcome, verdict.exit_code) == ("INVALID", 30), verdict
    assert "the generator was late" in verdict.because


def sufficient(arm: str, capacity: float, spread: float = 0.05) -> ArmFinding:
    estimate = Estimate(capacity, capacity * (1 - spread), capacity * (1 + spread), 4)
    return ArmFinding(arm, estimate, True, None, "")


def test_best_remedy_is_the_one_that_reaches_farthest_not_the_first() -> None:
    assert best_of([sufficient("MC", 100), sufficient("MB", 150)]).arm == "MB"


def test_of_equally_good_remedies_the_least_effort_is_best() -> None:
    assert (
        best_of([sufficient("MD", 155), sufficient("M2", 152), sufficient("MB", 150), sufficient("MC", 90)]).arm == "MB"
    )
