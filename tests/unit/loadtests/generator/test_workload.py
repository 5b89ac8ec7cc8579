"""What a generator plays: the same for everybody, after a warm-up; a share for each process, a door for each module."""

import pytest

from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import Credentials, LoadBusiness
from loadtests.generator.journeys import BACKGROUND_RATES, SCHEDULING_MIX
from loadtests.generator.workload import (
    PAUSE_SHARE,
    HostRotation,
    SignedInBusiness,
    Workload,
    business_states,
    shard_of,
)

SOMEONE = Credentials("a@example.test", "secret")
OPENED = SignedInBusiness(
    LoadBusiness("shop", "http", "o1", ["p1"], SOMEONE, [SOMEONE], [SOMEONE]), ["session=1"], "session=2"
)


def play(**changes: object) -> Workload:
    given = {"scenario": "daily_peak", "rate": 50.0, "seconds": 30.0, "seed": 3, "hosts": {"*": ["http://a"]}}
    return Workload(**{**given, "opened": [OPENED], **changes})  # type: ignore[arg-type]


def test_a_warm_up_comes_before_0_s_and_changes_nothing_after() -> None:
    cold, warm = play().arrivals(), play(warm_up_seconds=5.0).arrivals()
    assert [arrival for arrival in warm if arrival.at >= 0] == cold
    assert -5 <= warm[0].at < 0
    assert warm == sorted(warm)
    paused_since = -5 * PAUSE_SHARE
    assert max(arrival.at for arrival in warm if arrival.at < 0) < paused_since


def test_the_collateral_trickle_is_the_same_in_every_scenario() -> None:
    def trickle(scenario: str) -> list[tuple[float, str]]:
        return [arrival for arrival in play(scenario=scenario).arrivals() if arrival.journey in BACKGROUND_RATES]

    assert trickle("idle") == trickle("stampede") == trickle("daily_peak") == trickle("step_ladder")
    assert trickle("idle")


def test_the_shares_of_several_processes_are_the_whole() -> None:
    arrivals = play().arrivals()
    shares = [shard_of(arrivals, index, 3) for index in range(3)]
    assert sorted(arrival for share in shares for arrival in share) == arrivals
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


def test_two_replicas_are_asked_in_turn_and_a_bulkhead_by_module() -> None:
    replicas = HostRotation({"*": ["http://a", "http://b"]})
    assert [replicas.next(module) for module in ("auth", "scheduling", "auth")] == ["http://a", "http://b", "http://a"]
    bulkhead = HostRotation({"*": ["http://a"], "scheduling": ["http://b"]})
    assert [bulkhead.next(module) for module in ("auth", "scheduling", "billing")] == [
        "http://a",
        "http://b",
        "http://a",
    ]


def test_a_stampede_crowds_and_a_day_does_not() -> None:
    for scenario, expected in (("stampede", True), ("daily_peak", False)):
        hour = play(scenario=scenario, opened=[OPENED, OPENED])
        premises = business_states(hour, hour.arrivals())
        assert [each.favourites is not None for each in premises] == [expected, expected]


def test_a_scenario_that_is_not_there_is_named() -> None:
    with pytest.raises(LoadError, match="no scenario 'lunch'"):
        play(scenario="lunch").arrivals()


def test_the_rate_is_that_of_scheduling_at_the_height() -> None:
    hour = play(scenario="idle", rate=100.0, seconds=60.0)
    assert 90 < sum(arrival.journey in SCHEDULING_MIX for arrival in hour.arrivals()) / 60 < 110
