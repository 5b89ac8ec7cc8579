"""Which processor core works for whom: the server and its Postgres share one, the generator has another."""

import contextlib
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass


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
