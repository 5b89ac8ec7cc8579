"""Freshness of invoices and mails, and the speed of the machine beside a measurement."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID, uuid4

from loadtests.lab.measuring.subject import FreshnessReading
from loadtests.lab.servers.follow_up import FollowUp
from loadtests.lab.servers.speed_probe import SpeedProbe, running_speed_probe

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def after(seconds: float) -> datetime:
    return NOON + timedelta(seconds=seconds)


def follow_up(*events: tuple[float, float | None, float | None]) -> FollowUp:
    """Return events by the seconds at which each was recorded, billed and mailed; None for what is not done."""
    ids: list[UUID] = [uuid4() for _ in events]
    columns = list(zip(*events, strict=True))
    moments = [
        {one: None if at is None else after(at) for one, at in zip(ids, column, strict=True)} for column in columns
    ]
    return FollowUp(*moments)


def test_what_is_late_or_missing_is_not_fresh() -> None:
    found = follow_up((1, 2, 3), (2, 33, 40), (3, None, None), (4, 34, None))
    assert not found.done
    assert found.freshness(NOON, 30) == {
        "invoices": FreshnessReading(expected=4, in_time=2),
        "mails": FreshnessReading(expected=4, in_time=1),
    }


def test_events_of_the_warm_up_do_not_count_but_are_waited_for() -> None:
    found = follow_up((-3, 60, 60), (1, 2, 2))
    assert found.freshness(NOON, 30)["invoices"] == FreshnessReading(expected=1, in_time=1)
    assert found.done
    assert not follow_up((-3, None, None), (1, 2, 2)).done


def test_speeds_before_and_after_a_restart_compare(tmp_path: Path) -> None:
    """A laboratory that is continued has another probe, whose first reading may be that of a slow moment."""
    file = tmp_path / "speed"
    slower = [f"{10 + number} 1600000" for number in range(10)]
    file.write_text("\n".join([*(f"{number} 800000" for number in range(10)), *slower, "20 9"]))
    probe, restarted = SpeedProbe(file), SpeedProbe(file)
    assert restarted.speed(10, 19.5) == 0.625
    assert probe.speed(0, 9.5) == 1.25
    assert probe.speed(10, 19.5) == 0.625
    assert probe.speed(0, 5) is None, "too few samples"


def test_the_probe_works_all_the_time_and_uses_little_of_a_core(tmp_path: Path) -> None:
    began = time.monotonic()
    with running_speed_probe(tmp_path / "speed") as (probe, _):
        while probe.speed(began, time.monotonic()) is None:
            assert time.monotonic() - began < 60
            time.sleep(0.2)
    samples = [int(line.split()[1]) for line in (tmp_path / "speed").read_text().splitlines()]
    assert all(0 < nanoseconds < 50e6 for nanoseconds in samples)
