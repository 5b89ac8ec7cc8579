"""Which processor core works for whom: the server and its Postgres share one, the generator has another."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil

from loadtests.harness.process_tree import process_tree


@dataclass(frozen=True, slots=True)
class Cores:
    """None where processes cannot be pinned: the figures then say so."""

    server: int | None
    generator: int | None

    @property
    def note(self) -> str:
        """For the person who reads the figures."""
        if self.server is None:
            return "not pinned: this system has no way to, or only one core; the figures are less certain"
        return f"the server and its Postgres on core {self.server}, the generator on core {self.generator}"

    @contextlib.contextmanager
    def for_servers(self) -> Iterator[None]:
        """Processes started in this block stay on the servers' core, with all that they start."""
        with _on(self.server):
            yield

    def hold_servers(self, pids: Iterable[int]) -> None:
        """Processes that run already stay on the servers' core from now on, with all that they started and will start:
        so they can start on all cores."""
        held = list(pids)
        # A thread that began while the others were moved is found the next time.
        while sum(_move(thread, self.server) for pid in held for thread in _threads(pid)):
            pass

    @contextlib.contextmanager
    def for_generator(self) -> Iterator[None]:
        """This process stays on the generator's core during the block."""
        with _on(self.generator):
            yield


def choose_cores() -> Cores:
    """Two of the cores that this process may use: the first, which interrupts prefer, for the generator."""
    if sys.platform != "linux":
        return Cores(None, None)
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[-1], allowed[0]) if len(allowed) > 1 else Cores(None, None)


@contextlib.contextmanager
def _on(core: int | None) -> Iterator[None]:
    if sys.platform != "linux" or core is None:
        yield
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _threads(pid: int) -> list[int]:
    found = []
    for each in process_tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [thread.id for thread in each.threads()]  # type: ignore[no-untyped-call]
    return found


def _move(thread: int, core: int | None) -> bool:
    """Whether it was elsewhere."""
    if sys.platform != "linux" or core is None:
        return False
    try:
        if os.sched_getaffinity(thread) == {core}:
            return False
        os.sched_setaffinity(thread, {core})
    except ProcessLookupError:
        return False
    return True
