"""The faults of a soak: the same for the same seed, one at a time, and all of them in a long run."""

from itertools import pairwise

from tests.soak.schedule import FAULTS, plan_faults


def test_a_seed_gives_the_same_faults_and_another_one_others() -> None:
    assert plan_faults(1, 600) == plan_faults(1, 600)
    assert plan_faults(1, 600) != plan_faults(2, 600)


def test_ten_minutes_have_every_fault_several_times_and_never_two_at_once() -> None:
    planned = plan_faults(7, 600)
    assert all(sum(each.name == name for each in planned) >= 5 for name in FAULTS)
    assert all(one.at + one.seconds < following.at for one, following in pairwise(planned))
    assert planned[-1].at < 597
