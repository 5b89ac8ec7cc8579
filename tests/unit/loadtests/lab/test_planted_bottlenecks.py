"""Something wrong is planted, and the verdict finds it: a slow module, a lock, a generator that stalls."""

from loadtests.lab.verdict.verdict import judge
from tests.unit.loadtests.lab.example_runs import THRESHOLDS
from tests.unit.loadtests.lab.simulated_arms import SERVICE, measured, one_process, two_processes

SLOW = {**SERVICE, "scheduling": 0.45}
"""Of eight threads, eighteen requests a second: the peak has forty."""


def test_nothing_wrong_is_no_problem() -> None:
    well = one_process()
    found = judge(measured({"M1": well, "M1'": well, "MB": two_processes(), "X": two_processes()}), THRESHOLDS)
    assert (found.outcome, found.because.partition(":")[0]) == ("DON'T EXTRACT", "no measured problem")


def test_a_slow_module_that_a_bulkhead_cannot_cure_is_extracted() -> None:
    """It is slow beside the others' data: a process of its own keeps its wait from them, and leaves it as slow."""
    slow = one_process(service=SLOW)
    same = dict.fromkeys(("M1", "M1'", "M2", "MC"), slow)
    arms = {**same, "MB": two_processes(service=SLOW), "X": two_processes()}
    found = judge(measured(arms), THRESHOLDS)
    assert found.outcome == "EXTRACT", found
    assert "X keeps it" in found.because


def test_a_slow_module_that_only_hurts_others_gets_a_bulkhead() -> None:
    """Its own promise bears the wait; that of those who share its threads does not."""
    slow = {**SERVICE, "scheduling": 0.18}
    enough = {"pools": {"web": 4, "own": 12}}
    arms = {
        "M1": one_process(service=slow, pools={"web": 6}),
        "M1'": one_process(service=slow, pools={"web": 6}),
        "MB": two_processes(service=slow, **enough),
        "X": two_processes(service=slow, **enough),
    }
    found = judge(measured(arms), THRESHOLDS)
    assert (found.outcome, found.because.partition(",")[0]) == ("DON'T EXTRACT", "use MB"), found


def test_a_lock_is_not_cured_by_moving_it() -> None:
    locked = {"locked": 0.3}
    arms = {
        "M1": one_process(**locked),
        "M1'": one_process(**locked),
        "M2": one_process(**locked),
        "MC": one_process(**locked),
        "MB": two_processes(**locked),
        "X": two_processes(**locked),
    }
    found = judge(measured(arms), THRESHOLDS)
    assert found.outcome == "DON'T EXTRACT"
    assert "extraction does not solve it either" in found.because


def test_a_generator_that_stalls_says_nothing_about_servers() -> None:
    """Its stall looks like the server's in every percentile; the runs are refused."""
    stalled = one_process(stall=4.0)
    found = judge(measured({"M1": stalled, "M1'": stalled, "X": two_processes(stall=4.0)}), THRESHOLDS)
    assert found.outcome == "INVALID"
    assert "the generator was late" in found.because
