"""Tests that measure latencies run alone: while one runs, no other worker of the run runs a test."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def turn(folder: Path, *, alone: bool) -> Iterator[None]:
    """Wait for a test's turn. All workers of a run use the same folder.

    A test that waits to be alone is not overtaken: the later ones wait at the entrance.
    """
    with (folder / "entrance").open("w") as entrance, (folder / "running").open("w") as running:
        fcntl.flock(entrance, fcntl.LOCK_EX)
        fcntl.flock(running, fcntl.LOCK_EX if alone else fcntl.LOCK_SH)
        fcntl.flock(entrance, fcntl.LOCK_UN)
        yield
