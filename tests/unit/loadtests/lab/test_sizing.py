"""From measured processor time to the size of a deployment."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from loadtests.cli.capacity import PUBLISHED, capacity
from loadtests.lab.measuring.subject import RoleReading
from loadtests.lab.results.model import ModuleResult, Purpose, Trial
from loadtests.lab.sizing import Assumptions, MeasuredDemand, NotMeasured, measured_demand, size_deployment

MONOLITH = MeasuredDemand({"front-web": 6.0, "postgres-main": 3.0}, bookings=0.5)
EXTRACTED = MeasuredDemand(
    {"front-web": 6.0, "scheduling-web": 2.0, "postgres-main": 1.0, "postgres-scheduling": 2.0}, bookings=0.5
)
GIVEN = Assumptions(busy_hours=10, peak_factor=3.6, utilization=0.5, largest_database=4, threads=10)


def trial(arm: str, arrivals: int, bookings: int, *, purpose: Purpose = "capacity", **cpu_ms: float) -> Trial:
    counts = ModuleResult(
        arrivals=arrivals, errors=0, dropped=0, conflicts=0, p50_ms=None, p95_ms=None, p99_ms=None, good=arrivals
    )
    roles = {role.replace("_", "-"): RoleReading(cpu_ms=used, budget_cores=0.1) for role, used in cpu_ms.items()}
    return Trial(
        stage="s", place=0, block=1, arm=arm, purpose=purpose, rate=10.0, seconds=20.0, seed=1,
        modules={"scheduling": counts}, bookings=bookings, roles=roles,
    )  # fmt: skip


def test_a_demand_is_the_processor_time_of_all_arrivals_over_their_number() -> None:
    trials = [
        trial("M1", 100, 20, front_web=500.0, postgres_main=300.0),
        trial("M1", 300, 60, front_web=1500.0, postgres_main=500.0),
        trial("M1", 999, 999, purpose="demand", front_web=9e9),
        trial("X", 100, 20, front_web=9e9),
    ]
    demand = measured_demand(trials, "M1")
    assert demand.cpu_ms == {"front-web": 5.0, "postgres-main": 2.0}
    assert demand.bookings == 0.2


@pytest.mark.parametrize("trials", [[], [trial("M1", 100, 0, front_web=1.0)], [trial("M1", 100, 10)]])
def test_results_without_bookings_or_processor_time_are_refused(trials: list[Trial]) -> None:
    with pytest.raises(NotMeasured, match="no capacity of M1"):
        measured_demand(trials, "M1")


def test_cores_follow_from_the_peak_and_the_utilization() -> None:
    """36,000 bookings in ten hours are one a second, thus two arrivals, and 3.6 times as many at the peak."""
    size = size_deployment(MONOLITH, 36_000, GIVEN)
    assert size.peak == pytest.approx(7.2)
    assert size.cores == {"front-web": pytest.approx(7.2 * 0.006 / 0.5), "postgres-main": pytest.approx(0.0432)}
    assert size.databases == {"postgres-main": 1}


def test_a_database_beyond_the_largest_server_is_divided() -> None:
    size = size_deployment(EXTRACTED, 36_000_000, GIVEN)
    assert size.cores["postgres-scheduling"] == pytest.approx(28.8)
    assert size.databases == {"postgres-main": 4, "postgres-scheduling": 8}


def test_the_sessions_of_scheduling_leave_the_monoliths_database() -> None:
    monolith, extracted = (size_deployment(each, 36_000_000, GIVEN) for each in (MONOLITH, EXTRACTED))
    assert monolith.sessions == {"postgres-main": 87 * (25 + 10)}
    assert extracted.sessions == {"postgres-main": 87 * 25, "postgres-scheduling": 29 * 10}


def test_the_price_is_that_of_the_cores_and_of_one_years_storage() -> None:
    given = Assumptions(utilization=1, core_price=100, gigabyte_price=1, booking_bytes=1e9 / 365)
    size = size_deployment(MeasuredDemand({"front-web": 1000.0}, bookings=1), 10_000, given)
    assert size.gigabytes_per_year == pytest.approx(10_000)
    assert size.price == pytest.approx(100 + 10_000)


def test_the_page_shows_what_the_command_prints() -> None:
    done = CliRunner().invoke(capacity, [])
    assert done.exit_code == 0, done.output
    assert done.output.strip() in Path("deploy/docs/capacity.md").read_text(encoding="utf-8")
    assert PUBLISHED.is_file()


def test_results_of_another_kind_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "results.json"
    file.write_text("{}")
    done = CliRunner().invoke(capacity, ["--results", str(file)])
    assert done.exit_code != 0
    assert str(file) in str(done.exception)
