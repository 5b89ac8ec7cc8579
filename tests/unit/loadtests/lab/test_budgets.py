"""Processor budgets: real control groups hold processes to them, and compared arms have equal totals."""

import subprocess
import sys
import time

import pytest

from deploy.errors import CommandError
from loadtests.harness.cpu_budgets import cpu_budgets, reason_unavailable
from loadtests.lab.planning.scenario import UNIT_CORES, ScenarioBudgets, read_scenario, scenario_names
from loadtests.lab.servers.role_budgets import require_equal_totals, role_budgets
from loadtests.lab.servers.topologies import THREADS, TOPOLOGIES

needs_groups = pytest.mark.skipif(reason_unavailable() is not None, reason=str(reason_unavailable()))
SPIN = "import time, sys\nuntil = time.monotonic() + float(sys.argv[1])\nwhile time.monotonic() < until: pass"
SHELL = f'{sys.executable} -c "$1" 0.6; exec sleep 30'


@needs_groups
def test_a_group_is_held_to_its_budget_and_counts_children_that_have_ended() -> None:
    with cpu_budgets({"spinning": 0.05, "idle": 0.05}, "test-") as groups:
        # The shell's child spins, and has ended before the group is read.
        with subprocess.Popen(["sh", "-c", SHELL, "sh", SPIN]) as shell:
            groups["spinning"].add([shell.pid])
            began = groups["spinning"].usage()
            time.sleep(2)
            used = groups["spinning"].usage().since(began)
            shell.kill()
        # At most 5 % of the elapsed time: a slow machine makes it less.
        assert 5 < used.cpu_ms < 0.05 * 1.5 * 2_500
        assert used.throttled_ms > 10 * groups["idle"].usage().throttled_ms
        assert used.throttled_ms > 0
        assert groups["idle"].usage().cpu_ms == 0
        kept = groups["spinning"].group
    assert not kept.exists()


@needs_groups
def test_a_lifted_budget_holds_nothing_until_it_is_imposed_again() -> None:
    with cpu_budgets({"spinning": 0.05}, "lift-") as groups:
        groups["spinning"].lift()
        with subprocess.Popen([sys.executable, "-c", SPIN, "0.5"]) as process:
            groups["spinning"].add([process.pid])
        assert groups["spinning"].usage().throttled_ms == 0
        groups["spinning"].impose()
        with subprocess.Popen([sys.executable, "-c", SPIN, "0.5"]) as process:
            groups["spinning"].add([process.pid])
        assert groups["spinning"].usage().throttled_ms > 0


@pytest.mark.parametrize("scenario", scenario_names())
def test_all_arms_of_a_scenario_have_its_total(scenario: str) -> None:
    registered = read_scenario(scenario)
    budgets = registered.budgets
    cores = {arm: role_budgets(arm, TOPOLOGIES[arm], budgets) for arm in registered.arms}
    require_equal_totals(cores)
    for arm, roles in cores.items():
        assert sum(roles.values()) == pytest.approx(budgets.total * UNIT_CORES), arm
        assert roles["postgres-main"] == pytest.approx(
            budgets.database * UNIT_CORES * (2 if arm in ("MV", "MBV") else 1)
        )
        assert ("postgres-scheduling" in roles) == (arm in ("MD", "XI", "X"))
        assert ("relay" in roles) == (arm in ("XS", "X"))


def test_arms_with_different_totals_are_refused() -> None:
    with pytest.raises(CommandError, match="M1 has 9, X has 10 units"):
        require_equal_totals({"M1": {"front-web": 0.45}, "X": {"front-web": 0.3, "scheduling-web": 0.2}})


def test_a_total_that_leaves_nothing_for_the_web_is_refused() -> None:
    with pytest.raises(CommandError, match=r"X cannot run within 8 units .* use 8"):
        role_budgets("X", TOPOLOGIES["X"], ScenarioBudgets(total=8, database=3, worker=1))


def test_every_arm_has_the_same_number_of_threads() -> None:
    for arm, topology in TOPOLOGIES.items():
        shares = [web.share for web in topology.monoliths] + [topology.service]
        assert sum(round(THREADS * share) for share in shares) == THREADS, arm
