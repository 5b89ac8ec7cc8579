"""Thresholds: their syntax, and figures that satisfy them or not."""

import pytest

from loadtests.generator.api_client import LoadError
from loadtests.generator.promises import DEFAULT_LIMITS
from loadtests.generator.rows import RequestRow
from loadtests.generator.thresholds import ThresholdResult, check_thresholds, format_result, parse_thresholds
from tests.unit.loadtests.generator.measured import row, rows, session


def check(expression: str, measured: list[RequestRow]) -> ThresholdResult:
    (result,) = check_thresholds(parse_thresholds([expression]), measured, DEFAULT_LIMITS)
    return result


ANSWERED = [*rows(range(1, 1_001)), *rows([5.0] * 100, module="auth", journey="me")]
FAILING = [*rows([10.0] * 97), *rows([10.0] * 2, "error"), row(outcome="dropped"), *rows([10.0] * 3, "conflict")]


@pytest.mark.parametrize(
    "expression, satisfied",
    [
        ("scheduling.p99<800ms", False),
        ("scheduling.p99<=991ms", True),
        ("scheduling.p99 < 0.992s", True),
        ("p50<501ms", True),
        ("me.p95<6ms", True),
        ("search.p99.5<=996ms", True),
        ("max<=1s", True),
        ("max<1s", False),
        ("scheduling.kept>=50%", True),
        ("scheduling.kept>50%", False),
        ("errors<=0", True),
        ("errors<0", False),
    ],
)
def test_figure_is_compared_with_the_bound(expression: str, satisfied: bool) -> None:
    assert check(expression, ANSWERED).satisfied is satisfied


@pytest.mark.parametrize(
    "expression, satisfied, figure",
    [
        ("errors<2%", True, "1.94%, 2 of 103 requests"),
        ("errors<2", False, "2"),
        ("dropped<=1", True, "1"),
        ("failed<2.9%", False, "2.91%, 3 of 103 requests"),
        ("conflicts<=3", True, "3"),
        ("kept>97%", True, "97.1%"),
    ],
)
def test_counts_and_shares_of_failures(expression: str, satisfied: bool, figure: str) -> None:
    assert check(expression, FAILING)[2:] == (figure, satisfied)


def test_unknown_percentile_does_not_satisfy_a_threshold() -> None:
    """A percentile is known from two requests beyond it on."""
    assert check("p99<10s", rows([1.0] * 200)).satisfied
    result = check("p99<10s", rows([1.0] * 199))
    assert (result.satisfied, result.figure) == (False, "unknown, because 199 requests are too few for this percentile")


def test_percentile_of_requests_without_response_is_not_satisfied() -> None:
    result = check("p95<30s", [*rows([1.0] * 90), *rows([1.0] * 10, "error")])
    assert (result.satisfied, result.figure) == (False, "no proper response, as for 10 of 100 requests")


def test_name_without_requests_is_unknown() -> None:
    assert not check("billing.errors<=0", ANSWERED).satisfied
    assert not check("errors<=0", []).satisfied


def test_share_of_completed_sessions() -> None:
    measured = [*session("ok", "ok", "ok", arrival=1), *session("ok", "conflict", arrival=2)]
    assert check("reserve.completed>=50%", measured).satisfied
    assert not check("reserve.kept>50%", measured).satisfied
    assert check("reserve.p50<1s", measured).satisfied


def test_each_side_is_checked() -> None:
    measured = [*rows([1.0] * 10, side="in_process"), *rows([1.0] * 10, "error", side="http")]
    results = check_thresholds(parse_thresholds(["errors<1%"]), measured, DEFAULT_LIMITS)
    assert [format_result(result) for result in results] == [
        "ok      errors<1% (in_process): 0.00%, 0 of 10 requests",
        "NOT OK  errors<1% (http): 100.00%, 10 of 10 requests",
    ]


@pytest.mark.parametrize(
    "expression, message",
    [
        ("", "cannot be read: write .NAME.*such as scheduling.p99<800ms"),
        ("scheduling.p99=800ms", "cannot be read"),
        ("p99<800", "p99 needs a value in ms or s"),
        ("p99<80%", "p99 needs a value in ms or s"),
        ("errors<1ms", "errors needs a value in %"),
        ("kept>=1", "kept needs a value in %"),
        ("p0<1ms", "between 0 and 100"),
        ("speed<1", "unknown metric 'speed'"),
        ("lunch.errors<1", "'lunch' is unknown .*journeys: search"),
        ("search.completed>=1%", "only a session is completed .reserve."),
    ],
)
def test_bad_expression_gives_one_line_that_shows_the_remedy(expression: str, message: str) -> None:
    with pytest.raises(LoadError, match=message) as raised:
        parse_thresholds([expression])
    assert "\n" not in str(raised.value)
