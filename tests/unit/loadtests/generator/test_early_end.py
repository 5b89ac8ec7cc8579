"""When an overloaded load may end: after more misses than chance explains, never because of the warm-up."""

import pytest

from loadtests.generator.arrivals import Arrival
from loadtests.generator.early_end import EarlyEnd, MissCounter
from loadtests.generator.rows import RequestOutcome, RequestRow

RULES = EarlyEnd(limits_ms={"scheduling": 500, "auth": 500}, share=0.02, fewest=10)
ARRIVALS = [Arrival(second / 50, "search") for second in range(2_000)] + [Arrival(float(at), "me") for at in range(40)]


def row(module: str, due: float, latency: float = 0.6, outcome: RequestOutcome = "ok") -> RequestRow:
    return RequestRow("", module, "search", due, due, due + latency, outcome, 200)


def misses_until_the_end(rows: list[RequestRow]) -> int | None:
    counter = MissCounter(RULES, ARRIVALS)
    return next((number for number, each in enumerate(rows, 1) if counter.is_hopeless(each, began=100.0)), None)


@pytest.mark.parametrize(
    "missed",
    [row("scheduling", 101.0), row("scheduling", 101.0, 0.01, "error"), row("scheduling", 101.0, 0, "dropped")],
)
def test_load_ends_after_twice_the_misses_that_the_promise_allows(missed: RequestRow) -> None:
    """The promise allows 1 % of 2,000 arrivals."""
    assert misses_until_the_end([missed] * 100) == 41


def test_module_with_few_arrivals_needs_ten_misses() -> None:
    assert misses_until_the_end([row("auth", 101.0)] * 100) == 11


def test_answers_in_time_and_the_warm_up_do_not_count() -> None:
    in_time = [row("scheduling", 101.0, 0.4), row("scheduling", 101.0, 0.4, "conflict")]
    warm_up = [row("scheduling", 99.0, 5.0)]
    assert misses_until_the_end([*in_time * 500, *warm_up * 500]) is None


def test_module_without_a_limit_does_not_count() -> None:
    assert misses_until_the_end([row("billing", 101.0)] * 500) is None
