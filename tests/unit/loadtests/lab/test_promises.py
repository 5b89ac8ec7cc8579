"""Whether a trial kept its promises: shares of the arrivals, with a correction for the number of promises."""

import msgspec
import pytest

from loadtests.lab.measuring.subject import FreshnessReading
from loadtests.lab.results.model import ModuleResult, Trial
from loadtests.lab.verdict.promises import (
    TrialJudgement,
    binomial_tail,
    judge_other_modules,
    judge_trial,
    refused_share,
)
from tests.unit.loadtests.lab.laboratories import THRESHOLDS, parsed

PROMISES = parsed("founder").promises


def module(arrivals: int, missed: int = 0, **changes: object) -> ModuleResult:
    given: dict[str, object] = {
        "arrivals": arrivals, "good": arrivals - missed, "errors": 0, "dropped": 0, "conflicts": 0,
        "p50_ms": 50.0, "p95_ms": 100.0, "p99_ms": None,
    }  # fmt: skip
    return ModuleResult(**{**given, **changes})  # type: ignore[arg-type]


def trial(modules: dict[str, ModuleResult] | None = None, **changes: object) -> Trial:
    """Return a trial that keeps all promises, except for the changes."""
    every = {"scheduling": module(2_000), "auth": module(120), "billing": module(120), "notifications": module(120)}
    given: dict[str, object] = {
        "stage": "block-1-M1", "place": 0, "block": 1, "arm": "X", "purpose": "capacity", "rate": 50.0,
        "seconds": 40.0, "seed": 1, "modules": {**every, **(modules or {})},
    }  # fmt: skip
    return Trial(**{**given, **changes})  # type: ignore[arg-type]


def judged(found: Trial, refused: float | None = None) -> TrialJudgement:
    return judge_trial(found, PROMISES, THRESHOLDS.trial, refused)


def test_promise_is_kept_when_99_percent_were_answered_in_time() -> None:
    assert judged(trial({"scheduling": module(2_000, 20)})).kept is True
    assert judged(trial({"scheduling": module(2_000, 60)})).kept is False


def test_unknown_percentile_does_not_count_as_kept() -> None:
    """A module with too few arrivals has no 99th percentile; the old rule read that as 0 ms."""
    found = judged(trial({"billing": module(8, p99_ms=None, p95_ms=None)}))
    assert found.kept is None
    assert found.reasons == ("billing: 8 arrivals, 10 are required to judge it",)


def test_module_without_rows_is_not_judged_either() -> None:
    complete = trial()
    missing = {name: result for name, result in complete.modules.items() if name != "auth"}
    assert judged(msgspec.structs.replace(complete, modules=missing)).kept is None


@pytest.mark.parametrize(("missed", "kept"), [(0, True), (3, True), (4, True), (6, False)])
def test_few_misses_of_a_small_module_may_be_chance(missed: int, kept: bool) -> None:
    """On average 1.2 of 120 arrivals may be missed; one of four modules has four by chance in every 14th trial."""
    assert judged(trial({"billing": module(120, missed)})).kept is kept


def test_number_of_promises_corrects_what_counts_as_broken() -> None:
    """Five misses of 120 have a probability of 0.8 %: enough for one promise at 5 %, and for four with Holm."""
    chance = binomial_tail(5, 120, 0.01)
    assert THRESHOLDS.trial.error / 4 > chance > THRESHOLDS.trial.error / 8
    assert judged(trial({"billing": module(120, 5)})).kept is False
    more = {f"kind-{number}": FreshnessReading(expected=100, in_time=100) for number in range(4)}
    assert judged(trial({"billing": module(120, 5)}, freshness=more)).kept is True


def test_late_invoices_break_a_promise() -> None:
    late = {"invoices": FreshnessReading(expected=500, in_time=470)}
    found = judged(trial(freshness=late))
    assert found.kept is False
    assert found.reasons == ("invoices within 30 s: 30 of 500 missed (6.0%; 1% allowed)",)


@pytest.mark.parametrize(("refused", "kept"), [(30, True), (50, True), (110, False)])
def test_listed_means_bookable(refused: int, kept: bool) -> None:
    """A stale cache lists slots that are gone: refusals may exceed M1's 3 % by 2 points."""
    assert judged(trial(writes=1_000, refused=refused), refused=0.03).kept is kept


def test_refusals_of_m1_are_the_standard() -> None:
    assert refused_share([trial(writes=100, refused=3), trial(writes=300, refused=9)]) == 0.03
    assert refused_share([trial()]) is None


def test_trial_with_problems_does_not_count() -> None:
    assert judged(trial(problems=("the generator was late",))) == TrialJudgement(None, ("the generator was late",))


def test_trial_that_ended_early_broke_a_promise() -> None:
    assert judged(trial(ended_early=True)).kept is False


def test_isolation_is_judged_without_scheduling() -> None:
    flooded = trial({"scheduling": module(2_000, 1_500)}, purpose="isolation")
    assert judge_other_modules(flooded, PROMISES, THRESHOLDS.trial).kept is True
    shared = trial({"scheduling": module(2_000, 1_500), "auth": module(120, 60)}, purpose="isolation")
    assert judge_other_modules(shared, PROMISES, THRESHOLDS.trial).kept is False


@pytest.mark.parametrize(("count", "n", "share", "expected"), [
    (0, 10, 0.5, 1.0), (10, 10, 0.5, 0.0009765625), (1, 3, 0.1, 0.271), (5, 10, 0.5, 0.623046875), (3, 10, 0.9, 1.0),
])  # fmt: skip
def test_binomial_tail(count: int, n: int, share: float, expected: float) -> None:
    assert binomial_tail(count, n, share) == pytest.approx(expected, abs=1e-6)
