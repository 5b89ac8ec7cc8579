"""The bulkhead and the retry budget by themselves."""

import pytest

from contracts.scheduling.errors import Unavailable
from monolith.modules.scheduling.adapters.limits import Bulkhead, RetryBudget


def test_the_bulkhead_refuses_one_more_than_it_holds_and_has_room_again() -> None:
    bulkhead = Bulkhead(2)
    with bulkhead.slot(), bulkhead.slot(), pytest.raises(Unavailable), bulkhead.slot():
        pass
    with bulkhead.slot():
        pass


def test_a_call_that_fails_gives_its_place_back() -> None:
    bulkhead = Bulkhead(1)
    for _ in range(3):
        with pytest.raises(RuntimeError), bulkhead.slot():
            raise RuntimeError


def test_a_fresh_client_may_retry_a_little() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_retries_are_earned_by_calls() -> None:
    budget, calls, retries = RetryBudget(), 1_000, 0
    for _ in range(calls):
        budget.earn()
        retries += budget.spend()
    assert 0.05 * calls < retries < 0.1 * calls


def test_a_quiet_night_does_not_save_up_a_storm() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1_000)) == 10
