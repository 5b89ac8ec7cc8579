"""Selection of the measurements of the reference work on a virtual machine with busy neighbours."""

from loadtests.lab.servers.reference_work import ReferenceReading, undisturbed

QUIET = [ReferenceReading(300.0 + number, 3.0 + number / 100) for number in range(4)]
SLOWED = [ReferenceReading(210.0, 1.8), ReferenceReading(220.0, 2.1), ReferenceReading(230.0, 2.5)]


def test_all_measurements_of_a_quiet_machine_count() -> None:
    assert undisturbed(QUIET, most_difference=0.06) == QUIET


def test_measurements_while_a_neighbour_is_busy_do_not_count_in_any_order() -> None:
    mixed = [SLOWED[0], QUIET[0], SLOWED[1], *QUIET[1:], SLOWED[2]]
    assert undisturbed(mixed, most_difference=0.06) == QUIET


def test_a_machine_that_is_slowed_for_most_of_the_time_counts_at_its_undisturbed_speed() -> None:
    assert undisturbed([*SLOWED, *SLOWED[:2], *QUIET[:2]], most_difference=0.06) == QUIET[:2]


def test_at_least_one_measurement_counts_however_much_they_differ() -> None:
    apart = [ReferenceReading(100.0 * number, 1.0 * number) for number in range(1, 8)]
    assert len(undisturbed(apart, most_difference=0.0)) == 1


def test_a_single_fast_reading_does_not_discard_the_others() -> None:
    assert undisturbed([*QUIET, ReferenceReading(360.0, 3.9)], most_difference=0.06) == QUIET


def test_without_readings_of_the_probe_all_measurements_count() -> None:
    blind = [ReferenceReading(300.0, None), ReferenceReading(200.0, None)]
    assert undisturbed(blind, most_difference=0.06) == blind


def test_a_measurement_without_a_reading_does_not_count_beside_ones_with_it() -> None:
    assert undisturbed([ReferenceReading(100.0, None), *QUIET], most_difference=0.06) == QUIET
