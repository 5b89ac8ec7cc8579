"""CPU pinning: the measured servers share one processor core, the load generator has another."""

import contextlib
import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import psutil

from loadtests.harness.process_tree import process_tree


@dataclass(frozen=True, slots=True)
class Cores:
    """The core of the servers and the core of the load generator; None where processes cannot be pinned."""

    server: int | None
    generator: int | None

    @property
    def note(self) -> str:
        """How processes are pinned, for reports."""
        if self.server is None:
            return "not pinned: this system cannot pin processes, or has one core; the figures are less certain"
        return f"the server and its Postgres on core {self.server}, the generator on core {self.generator}"

    @contextlib.contextmanager
    def starting_servers(self) -> Iterator[None]:
        """Pin this process, and so everything it starts within the block, to the servers' core."""
        with _pinned_to(self.server):
            yield

    def pin_servers(self, pids: Iterable[int]) -> None:
        """Pin running processes with their threads and descendants, so that they could start on all cores."""
        held = list(pids)
        # Repeat until no thread has moved: a thread may start while its siblings are being moved.
        while sum(_move(thread, self.server) for pid in held for thread in _threads(pid)):
            pass

    @contextlib.contextmanager
    def generating_load(self) -> Iterator[None]:
        """Pin this process to the generator's core within the block."""
        with _pinned_to(self.generator):
            yield


def choose_cores() -> Cores:
    """Return two of the allowed cores; the generator gets the first, which handles most interrupts."""
    if sys.platform != "linux":
        return Cores(None, None)
    allowed = sorted(os.sched_getaffinity(0))
    return Cores(allowed[-1], allowed[0]) if len(allowed) > 1 else Cores(None, None)


@contextlib.contextmanager
def _pinned_to(core: int | None) -> Iterator[None]:
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
    for process in process_tree(pid):
        with contextlib.suppress(psutil.NoSuchProcess):
            found += [thread.id for thread in process.threads()]  # type: ignore[no-untyped-call]
    return found


def _move(thread: int, core: int | None) -> bool:
    """Pin one thread; return whether its affinity changed."""
    if sys.platform != "linux" or core is None:
        return False
    try:
        if os.sched_getaffinity(thread) == {core}:
            return False
        os.sched_setaffinity(thread, {core})
    except ProcessLookupError:
        return False
    return True
