"""Budgets follow the speed of the machine: the slower it is, the more processor time a budget allows."""

import time
from collections.abc import Iterable
from pathlib import Path

import pytest

from loadtests.harness.cpu_budgets import CpuBudget, cpu_budgets, reason_unavailable
from loadtests.lab.measuring.sampling import at_base_speed
from loadtests.lab.measuring.subject import RoleReading
from loadtests.lab.servers.speed_probe import SpeedProbe
from loadtests.lab.servers.steady_budgets import BudgetSpeed, observed_base

needs_groups = pytest.mark.skipif(reason_unavailable() is not None, reason=str(reason_unavailable()))
SLOW, FAST = 1.0, 2.0


def probe_with(file: Path, speeds: Iterable[float], began: float = 0.0) -> SpeedProbe:
    """A probe that has taken ten samples of each speed, in three seconds."""
    samples = [speed for speed in speeds for _ in range(10)]
    lines = [f"{began + number * 0.3:.3f} {round(1e6 / speed)}\n" for number, speed in enumerate(samples)]
    file.write_text("".join(lines))
    return SpeedProbe(file)


def quota(budget: CpuBudget) -> float | None:
    """Return the cores that the kernel allows the group; None where it sets no limit."""
    version_1 = budget.group / "cpu.cfs_quota_us"
    if version_1.exists():
        allowed, period = version_1.read_text(), (budget.group / "cpu.cfs_period_us").read_text()
    else:
        allowed, period = (budget.group / "cpu.max").read_text().split()
    return None if allowed.strip() in ("max", "-1") else int(allowed) / int(period)


def test_base_is_the_speed_of_the_slow_moments(tmp_path: Path) -> None:
    speed = observed_base(probe_with(tmp_path / "speed", [FAST] * 12 + [SLOW] * 3), 0, 45)
    assert speed is not None
    assert speed.base == pytest.approx(SLOW)


def test_one_slow_moment_is_not_the_base_of_a_quiet_machine(tmp_path: Path) -> None:
    speed = observed_base(probe_with(tmp_path / "speed", [FAST] * 14 + [SLOW]), 0, 45)
    assert speed is not None
    assert speed.base == pytest.approx(FAST)


def test_no_base_without_readings_for_fifteen_seconds(tmp_path: Path) -> None:
    assert observed_base(probe_with(tmp_path / "speed", [FAST] * 4), 0, 45) is None


def test_speed_above_the_base_is_not_usable_and_does_not_compensate_for_slow_moments(tmp_path: Path) -> None:
    probe = probe_with(tmp_path / "speed", [FAST] * 10 + [SLOW / 2] * 10)
    speed = BudgetSpeed(probe, SLOW)
    assert speed.usable(0, 29.99) == pytest.approx(SLOW)
    assert speed.usable(0, 59.99) == pytest.approx(0.75 * SLOW)
    assert speed.slowdown(0, 59.99) == pytest.approx(0.25)
    assert speed.relative(0, 59.99) == pytest.approx(1.25)


def test_without_a_base_processor_time_is_not_converted(tmp_path: Path) -> None:
    speed = BudgetSpeed(probe_with(tmp_path / "speed", [FAST] * 10))
    assert speed.usable(0, 30) == pytest.approx(FAST)
    assert speed.relative(0, 30) == 1.0
    assert speed.slowdown(0, 30) == 0.0


def test_processor_time_of_a_fast_machine_is_more_at_the_base_speed() -> None:
    roles = {
        "worker": RoleReading(cpu_ms=100.0, budget_cores=0.1, used=0.5, throttled=0.2),
        "relay": RoleReading(cpu_ms=10.0),
    }
    assert at_base_speed(roles, during=1.5, until_done=2.0) == {
        "worker": RoleReading(cpu_ms=200.0, budget_cores=0.1, used=0.75, throttled=0.2),
        "relay": RoleReading(cpu_ms=20.0),
    }


def test_recent_readings_of_a_long_file(tmp_path: Path) -> None:
    probe = probe_with(tmp_path / "speed", [SLOW] * 2000 + [FAST] * 2 + [SLOW])
    assert probe.windows(6000, 6005.9) == pytest.approx([FAST, FAST])
    assert probe.speed(6000, 6005.9) == pytest.approx(FAST)
    assert len(probe.windows(0, 6010)) == 2003


@needs_groups
def test_budgets_shrink_while_the_machine_is_faster_than_the_base(tmp_path: Path) -> None:
    now = time.monotonic()
    probe = probe_with(tmp_path / "speed", [FAST] * 30, began=now - 10)
    with (
        cpu_budgets({"web": 0.4, "database": 0.1}, "steady-") as budgets,
        BudgetSpeed(probe, SLOW).steady(budgets.values()),
    ):
        wait_for_quotas(budgets.values(), [0.2, 0.05])
        probe_with(tmp_path / "speed", [SLOW / 2] * 30, began=now - 10)
        wait_for_quotas(budgets.values(), [0.4, 0.1])


@needs_groups
def test_lifted_budget_stays_lifted_while_the_speed_changes_and_has_its_share_afterwards(tmp_path: Path) -> None:
    probe = probe_with(tmp_path / "speed", [FAST] * 30, began=time.monotonic() - 10)
    with cpu_budgets({"lifted": 0.4, "imposed": 0.4}, "lifted-") as budgets:
        budgets["lifted"].lift()
        with BudgetSpeed(probe, SLOW).steady(budgets.values()):
            wait_for_quotas([budgets["imposed"]], [0.2])
            assert quota(budgets["lifted"]) is None
            budgets["lifted"].impose()
            wait_for_quotas(budgets.values(), [0.2, 0.2])


def wait_for_quotas(budgets: Iterable[CpuBudget], expected: list[float]) -> None:
    until = time.monotonic() + 30
    while (found := [quota(budget) for budget in budgets]) != pytest.approx(expected, rel=0.01):
        assert time.monotonic() < until, f"{found} instead of {expected}"
        time.sleep(0.05)
