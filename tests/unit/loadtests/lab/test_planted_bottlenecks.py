"""The verdict on simulated arms with planted bottlenecks: a slow module, a lock, a stalling generator."""

from loadtests.lab.verdict.verdict import judge
from tests.unit.loadtests.lab.example_runs import THRESHOLDS
from tests.unit.loadtests.lab.simulated_arms import SERVICE, measured, one_process, two_processes

SLOW = {**SERVICE, "scheduling": 0.45}
"""Eight threads serve eighteen of these requests a second; the peak has forty."""


def test_healthy_arms_have_no_problem() -> None:
    well = one_process()
    found = judge(measured({"M1": well, "M1'": well, "MB": two_processes(), "X": two_processes()}), THRESHOLDS)
    assert (found.outcome, found.because.partition(":")[0]) == ("DON'T EXTRACT", "no measured problem")


def test_slow_module_that_a_bulkhead_cannot_fix_is_extracted() -> None:
    """A bulkhead protects the other modules, but scheduling is as slow as before."""
    slow = one_process(service=SLOW)
    same = dict.fromkeys(("M1", "M1'", "M2", "MC"), slow)
    arms = {**same, "MB": two_processes(service=SLOW), "X": two_processes()}
    found = judge(measured(arms), THRESHOLDS)
    assert found.outcome == "EXTRACT", found
    assert "X meets it" in found.because


def test_slow_module_that_only_affects_others_gets_a_bulkhead() -> None:
    """Its own SLO allows the wait; those of the modules that share its threads do not."""
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


def test_extraction_does_not_fix_a_lock() -> None:
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
    assert "extraction does not meet the SLO either" in found.because


def test_runs_with_a_stalling_generator_are_invalid() -> None:
    """In every percentile its stall looks like the server's."""
    stalled = one_process(stall=4.0)
    found = judge(measured({"M1": stalled, "M1'": stalled, "X": two_processes(stall=4.0)}), THRESHOLDS)
    assert found.outcome == "INVALID"
    assert "the generator was late" in found.because
