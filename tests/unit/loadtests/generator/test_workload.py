"""Workloads: warm-up, background load, shards, rotation of addresses and contention."""

import pytest

from loadtests.generator.api_client import LoadError
from loadtests.generator.businesses import Credentials, LoadBusiness
from loadtests.generator.journeys import BACKGROUND_RATES, SCHEDULING_MIX
from loadtests.generator.workload import (
    PAUSE_SHARE,
    LeastConnections,
    SignedInBusiness,
    Workload,
    business_states,
    shard_of,
)

SOMEONE = Credentials("a@example.test", "secret")
OPENED = SignedInBusiness(
    LoadBusiness("shop", "http", "o1", ["p1"], SOMEONE, [SOMEONE], [SOMEONE]), ["session=1"], "session=2"
)


def workload(**changes: object) -> Workload:
    given = {"scenario": "daily_peak", "rate": 50.0, "seconds": 30.0, "seed": 3, "hosts": {"*": ["http://a"]}}
    return Workload(**{**given, "businesses": [OPENED], **changes})  # type: ignore[arg-type]


def test_warm_up_is_before_0_s_and_changes_no_later_arrival() -> None:
    cold, warm = workload().arrivals(), workload(warm_up_seconds=5.0).arrivals()
    assert [arrival for arrival in warm if arrival.at >= 0] == cold
    assert -5 <= warm[0].at < 0
    assert warm == sorted(warm)
    paused_since = -5 * PAUSE_SHARE
    assert max(arrival.at for arrival in warm if arrival.at < 0) < paused_since


def test_background_is_equal_in_every_scenario() -> None:
    def background(scenario: str) -> list[tuple[float, str]]:
        arrivals = workload(scenario=scenario).arrivals()
        return [(arrival.at, arrival.journey) for arrival in arrivals if arrival.journey in BACKGROUND_RATES]

    assert background("idle") == background("stampede") == background("daily_peak") == background("step_ladder")
    assert background("idle")


def test_shards_partition_the_arrivals() -> None:
    arrivals = workload().arrivals()
    shards = [shard_of(arrivals, index, 3) for index in range(3)]
    assert sorted(arrival for shard in shards for arrival in shard) == arrivals
    assert max(map(len, shards)) - min(map(len, shards)) <= 1


def test_warm_up_has_negative_numbers_and_every_number_is_its_own() -> None:
    arrivals = workload(warm_up_seconds=5.0).arrivals()
    numbers = [arrival.number for arrival in arrivals]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert all((arrival.number < 0) == (arrival.at < 0) for arrival in arrivals)


def test_mix_of_the_workload_replaces_the_default() -> None:
    with_sessions = workload(mix={"reserve": 1}, background={"me": 2.0}).arrivals()
    assert {arrival.journey for arrival in with_sessions} == {"reserve", "me"}


def test_rate_rises_linearly_at_the_beginning() -> None:
    rising = workload(scenario="idle", rate=200.0, rise_seconds=20.0, background={"me": 0.0}).arrivals()
    counts = [sum(start <= arrival.at < start + 10 for arrival in rising) for start in (0, 10, 20)]
    assert counts == [pytest.approx(expected, rel=0.1) for expected in (500, 1_500, 2_000)]


def test_a_request_goes_to_the_replica_with_the_fewest_in_flight() -> None:
    replicas = LeastConnections({"*": ["http://a", "http://b"]})
    assert [replicas.begin(module) for module in ("auth", "scheduling", "auth")] == ["http://a", "http://b", "http://a"]
    # The first replica is slow: it has two requests in flight, the second none.
    replicas.end("http://b")
    assert [replicas.begin("auth"), replicas.begin("auth")] == ["http://b", "http://b"]


def test_a_bulkhead_routes_by_module() -> None:
    bulkhead = LeastConnections({"*": ["http://a"], "scheduling": ["http://b"]})
    assert [bulkhead.begin(module) for module in ("auth", "scheduling", "billing")] == [
        "http://a",
        "http://b",
        "http://a",
    ]


def test_stampede_has_hot_slots_and_daily_peak_has_none() -> None:
    for scenario, expected in (("stampede", True), ("daily_peak", False)):
        hour = workload(scenario=scenario, businesses=[OPENED, OPENED])
        state = business_states(hour, hour.arrivals())
        assert [each.hot_slots is not None for each in state] == [expected, expected]


def test_unknown_scenario_or_journey_is_reported() -> None:
    with pytest.raises(LoadError, match="unknown scenario 'lunch'"):
        workload(scenario="lunch").arrivals()
    with pytest.raises(LoadError, match="mix: 'lunch' is unknown"):
        workload(mix={"lunch": 1.0}).arrivals()


def test_rate_is_that_of_scheduling_at_the_peak() -> None:
    hour = workload(scenario="idle", rate=100.0, seconds=60.0)
    assert 90 < sum(arrival.journey in SCHEDULING_MIX for arrival in hour.arrivals()) / 60 < 110
