"""The speed of the machine while something is measured: how much processor time a fixed amount of work takes.

The work uses about 2 % of the servers' core. Processor time, not elapsed time, is counted, so that waiting for the
servers does not count, but a slower clock, a colder cache and a busy neighbour of a virtual machine do.
"""

import contextlib
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Final

from deploy.devstack.launch import parent_death_prefix
from deploy.devstack.program import ROOT

_PAUSE_SECONDS: Final = 0.05
_HASHES: Final = 900
"""About a millisecond of work, every 50 milliseconds."""
WINDOW_SECONDS: Final = 3.0
"""About 55 samples: where neighbours are busy, single samples jump between two states."""
_FEWEST: Final = 10
_TAIL_BYTES: Final = 4096
"""About ten seconds of samples."""


@dataclass(frozen=True)
class SpeedProbe:
    """Readings from the file that the probe's process writes."""

    file: Path

    def speed(self, begin: float, end: float) -> float | None:
        """Return the mean speed between two times of the monotonic clock, in pieces of work per millisecond.

        None with fewer than ten samples. Speeds of several probes compare, so a laboratory can be continued.
        """
        speeds = [speed for _, speed in self._samples(begin, end)]
        return fmean(speeds) if len(speeds) >= _FEWEST else None

    def windows(self, begin: float, end: float) -> list[float]:
        """Return the mean speed of each three seconds between two times; of those with at least ten samples."""
        found: dict[int, list[float]] = {}
        for at, speed in self._samples(begin, end):
            found.setdefault(int((at - begin) / WINDOW_SECONDS), []).append(speed)
        return [fmean(speeds) for speeds in found.values() if len(speeds) >= _FEWEST]

    def _samples(self, begin: float, end: float) -> Iterator[tuple[float, float]]:
        """Yield times and speeds, without reading the whole file: it grows for hours, and is read every second."""
        for line in self._lines_since(begin):
            at, nanoseconds = line.split()
            if begin <= float(at) <= end:
                yield float(at), 1e6 / int(nanoseconds)

    def _lines_since(self, begin: float) -> list[bytes]:
        with self.file.open("rb") as file:
            size = position = file.seek(0, os.SEEK_END)
            lines: list[bytes] = []
            while position > 0 and (not lines or float(lines[0].split()[0]) >= begin):
                position = max(0, size - 2 * (size - position) - _TAIL_BYTES)
                file.seek(position)
                # The last line may be incomplete, and so is the first one unless the file was read from its beginning.
                lines = file.read(size - position).split(b"\n")[bool(position) : -1]
        return lines


@contextlib.contextmanager
def running_speed_probe(file: Path) -> Iterator[tuple[SpeedProbe, int]]:
    """Run the probe within the block; also provide its process id, to be pinned."""
    command = [*parent_death_prefix(signal.SIGKILL), sys.executable, "-m", "loadtests.lab.servers.speed_probe"]
    with file.open("w") as output, subprocess.Popen(command, cwd=ROOT, stdout=output) as process:
        try:
            yield SpeedProbe(file), process.pid
        finally:
            process.kill()


def _work() -> None:
    digest = b""
    for _ in range(_HASHES):
        digest = hashlib.sha256(digest).digest()


def main() -> None:
    """Print a line with the time and the nanoseconds of processor time for each piece of work, until killed."""
    while True:
        began = time.thread_time_ns()
        _work()
        sys.stdout.write(f"{time.monotonic():.3f} {time.thread_time_ns() - began}\n")
        sys.stdout.flush()
        time.sleep(_PAUSE_SECONDS)


if __name__ == "__main__":
    main()
