"""Promises: the share of arrivals answered properly within a limit."""

import pytest

from loadtests.generator.api_client import LoadError
from loadtests.generator.latency_table import format_sessions
from loadtests.generator.promises import DEFAULT_LIMITS, count_sessions, kept_share, parse_limits
from tests.unit.loadtests.generator.measured import row, rows, session


def test_errors_drops_and_late_answers_are_not_kept() -> None:
    found = [*rows([10.0] * 6), row(outcome="conflict"), row(501.0), row(outcome="error"), row(outcome="dropped")]
    assert kept_share(found, DEFAULT_LIMITS) == 0.7
    assert kept_share([], DEFAULT_LIMITS) is None


def test_share_has_no_cliff() -> None:
    """A limit of 1 % errors jumped from kept to not kept within a single request."""
    shares = [kept_share(rows([10.0] * (1_000 - bad)) + rows([10.0] * bad, "error"), DEFAULT_LIMITS) for bad in (9, 11)]
    assert shares == [pytest.approx(0.991), pytest.approx(0.989)]


def test_limit_of_a_journey_precedes_that_of_its_module() -> None:
    limits = parse_limits(["300ms", "scheduling=1s", "hold=2s"])
    assert [limits.limit_of(row(journey=name)) for name in ("search", "hold")] == [1.0, 2.0]
    assert limits.limit_of(row(module="auth", journey="me")) == 0.3


@pytest.mark.parametrize(
    "text, message",
    [
        ("500", "'500' is not a duration: write milliseconds or seconds, such as 800ms"),
        ("lunch=1s", "'lunch' is unknown .modules: scheduling, auth"),
        ("reserve=1s", "'reserve' is unknown"),
        ("0ms", "longer than 0"),
    ],
)
def test_unusable_limit_gives_one_line(text: str, message: str) -> None:
    with pytest.raises(LoadError, match=message):
        parse_limits([text])


def test_session_ends_at_its_first_failure_and_shows_where() -> None:
    found = count_sessions(
        [
            *session("ok", "ok", "ok", arrival=1),
            *session("ok", "conflict", arrival=2),
            *session("ok", "conflict", arrival=3),
            *session("ok", "ok", "error", arrival=4),
            *session("ok", arrival=5),
            *session("dropped", arrival=6),
        ],
        DEFAULT_LIMITS,
    )
    (reserve,) = found
    assert (reserve.begun, reserve.completed, reserve.kept) == (6, 1, 1)
    assert reserve.ended == {
        ("hold", "conflict"): 2,
        ("confirm", "error"): 1,
        ("hold", "nothing to do"): 1,
        ("search", "dropped"): 1,
    }
    assert format_sessions(found) == (
        "reserve (http): 1 of 6 sessions completed, 16.7% kept their promise; "
        "ended 2 at hold: conflict, 1 at confirm: error, 1 at hold: nothing to do, 1 at search: dropped"
    )


def test_slow_step_breaks_the_promise_of_a_completed_session() -> None:
    (slow,) = count_sessions(session("ok", "ok", "ok", arrival=1, milliseconds=900.0), DEFAULT_LIMITS)
    assert (slow.completed, slow.kept) == (1, 0)


def test_retry_after_a_conflict_continues_the_session() -> None:
    rows_of_retry = [
        *session("ok", "conflict", arrival=1),
        row(journey="hold", arrival=1, session="reserve", step=1, due=2.0),
    ]
    confirmed = row(journey="confirm", arrival=1, session="reserve", step=2, due=3.0)
    (found,) = count_sessions([*rows_of_retry, confirmed], DEFAULT_LIMITS)
    assert (found.completed, found.kept) == (1, 1)
