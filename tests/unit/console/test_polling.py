"""Snapshots: one for all readers, and a failed source hides no other."""

import threading
from itertools import count

from deploy.console.polling import Snapshots, Source


def test_a_failed_source_keeps_its_last_value_and_says_why() -> None:
    replies = iter([lambda: "first", lambda: 1 / 0, lambda: "third"])
    source = Source("one", lambda: next(replies)())
    source.update()
    good = source.latest
    source.update()
    assert (source.latest.value, source.latest.read_at) == ("first", good.read_at)
    assert source.latest.problem == "division by zero"
    source.update()
    assert (source.latest.value, source.latest.problem) == ("third", None)


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
    assert second.reading("counts").value > first.reading("counts").value


def test_nothing_is_read_again_before_the_console_is_watched() -> None:
    reads = count()
    read = threading.Event()

    def source() -> int:
        read.set()
        return next(reads)

    snapshots = Snapshots([Source("one", source, seconds=0.0)])
    snapshots.start()
    assert read.wait(10.0)
    assert not snapshots.is_watched()
    assert snapshots.current(10.0).reading("one").value >= 1
    assert snapshots.is_watched()
