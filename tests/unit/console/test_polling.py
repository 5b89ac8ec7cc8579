"""Snapshots: one for all readers, and a failed source hides no other."""

import threading
from itertools import count
from typing import Any

from deploy.console.polling import Snapshot, Snapshots, Source


def value_of(snapshot: Snapshot, source: str) -> Any:
    return snapshot.reading(source).value


def test_a_failed_source_keeps_its_last_value_and_its_problem() -> None:
    divisors = iter([1, 0, 2])
    source = Source("one", lambda: 6 // next(divisors))
    source.update()
    good = source.latest
    source.update()
    assert (source.latest.value, source.latest.read_at) == (6, good.read_at)
    assert source.latest.problem == "integer division or modulo by zero"
    source.update()
    assert source.latest.value == 3
    assert source.latest.problem is None


def test_a_source_that_hangs_delays_no_other() -> None:
    released = threading.Event()
    numbers = count()
    snapshots = Snapshots([Source("hangs", released.wait), Source("counts", lambda: next(numbers), seconds=0.05)])
    snapshots.start()
    first = snapshots.current(10.0)
    second = snapshots.next(first.number, 10.0)
    released.set()
    assert first.reading("hangs").problem == "it was not read yet"
    assert second.number > first.number
    assert value_of(second, "counts") > value_of(first, "counts")


def test_nothing_is_read_again_before_the_console_is_watched() -> None:
    reads = count()
    read = threading.Event()

    def source() -> int:
        read.set()
        return next(reads)

    snapshots = Snapshots([Source("one", source, seconds=0.05)])
    snapshots.start()
    assert read.wait(10.0)
    assert not snapshots.is_watched()
    assert value_of(snapshots.current(10.0), "one") >= 1
    assert snapshots.is_watched()


def test_an_announced_change_is_published_without_waiting_for_the_next_second() -> None:
    values = ["before"]
    snapshots = Snapshots([Source("one", lambda: values[-1], seconds=3600.0, is_announced=True)])
    snapshots.start()
    assert snapshots.current(10.0).reading("one").value == "before"
    values.append("after")
    snapshots.announce()
    snapshot = snapshots.current(10.0)
    while snapshot.reading("one").value == "before":
        snapshot = snapshots.next(snapshot.number, 10.0)
    assert snapshot.reading("one").value == "after"
