"""The bulkhead limits concurrent calls, and the retry budget limits retries."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from prometheus_client import CollectorRegistry

from contracts.chassis.deadline import Deadline
from contracts.scheduling.errors import Unavailable
from monolith.modules.scheduling.adapters.limits import Bulkhead, RetryBudget
from monolith.modules.scheduling.adapters.metrics import ServiceCallMetrics


def soon() -> Deadline:
    return Deadline.after(0.02)


def test_full_bulkhead_refuses_until_a_call_ends() -> None:
    registry = CollectorRegistry()
    bulkhead = Bulkhead(2, ServiceCallMetrics(registry))
    with bulkhead.slot(soon()), bulkhead.slot(soon()), pytest.raises(Unavailable), bulkhead.slot(soon()):
        pass
    with bulkhead.slot(soon()):
        assert registry.get_sample_value("scheduling_client_calls_in_flight") == 1
    assert registry.get_sample_value("scheduling_client_slots") == 2
    assert registry.get_sample_value("scheduling_client_refused_total", {"by": "bulkhead"}) == 1


def test_call_waits_briefly_for_a_place() -> None:
    bulkhead = Bulkhead(1, ServiceCallMetrics(CollectorRegistry()))
    with ThreadPoolExecutor(1) as other:
        with bulkhead.slot(soon()):
            waiting = other.submit(_use, bulkhead)
        assert waiting.result(5) == "used"


def _use(bulkhead: Bulkhead) -> str:
    with bulkhead.slot(Deadline.after(5)):
        return "used"


def test_failed_call_leaves_the_bulkhead() -> None:
    bulkhead = Bulkhead(1, ServiceCallMetrics(CollectorRegistry()))
    for _ in range(3):
        with pytest.raises(RuntimeError), bulkhead.slot(soon()):
            raise RuntimeError


def test_new_client_has_a_small_retry_budget() -> None:
    budget = RetryBudget()
    assert [budget.spend() for _ in range(3)] == [True, True, False]


def test_calls_earn_retries() -> None:
    budget, calls, retries = RetryBudget(), 1_000, 0
    for _ in range(calls):
        budget.earn()
        retries += budget.spend()
    assert 0.05 * calls < retries < 0.1 * calls


def test_retry_budget_is_capped() -> None:
    budget = RetryBudget()
    for _ in range(10_000):
        budget.earn()
    assert sum(budget.spend() for _ in range(1_000)) == 10
