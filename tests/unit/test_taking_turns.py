"""Tests take turns: those that run alone, and those that run at the same time."""

import threading
from pathlib import Path

from tests.taking_turns import turn


class Worker(threading.Thread):
    """Takes a turn, and ends it when told to."""

    def __init__(self, folder: Path, *, alone: bool) -> None:
        super().__init__()
        self.has_begun, self.may_end = threading.Event(), threading.Event()
        self._folder, self._alone = folder, alone
        self.start()

    def run(self) -> None:
        with turn(self._folder, alone=self._alone):
            self.has_begun.set()
            self.may_end.wait(10)

    def end(self) -> None:
        self.may_end.set()
        self.join(10)


def test_a_test_runs_alone_and_is_not_overtaken(tmp_path: Path) -> None:
    first, second = (Worker(tmp_path, alone=False) for _ in range(2))
    assert first.has_begun.wait(10)
    assert second.has_begun.wait(10), "others run at the same time"
    alone = Worker(tmp_path, alone=True)
    assert not alone.has_begun.wait(0.05)
    later = Worker(tmp_path, alone=False)
    first.end()
    assert not later.has_begun.wait(0.05)
    second.end()
    assert alone.has_begun.wait(10)
    assert not later.has_begun.wait(0.05)
    alone.end()
    assert later.has_begun.wait(10)
    later.end()
