"""The speed of the machine while something is measured: how much processor time a fixed amount of work takes.

The work uses about 2 % of the servers' core. Processor time, not elapsed time, is counted, so that waiting for the
servers does not count, but a slower clock, a colder cache and a busy neighbour of a virtual machine do.
"""

import contextlib
import hashlib
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Final

from deploy.devstack.launch import parent_death_prefix
from deploy.devstack.program import ROOT

_PAUSE_SECONDS: Final = 0.05
_HASHES: Final = 900
"""About a millisecond of work, every 50 milliseconds."""
_FEWEST: Final = 10


@dataclass(frozen=True)
class SpeedProbe:
    """Readings from the file that the probe's process writes."""

    file: Path

    def speed(self, begin: float, end: float) -> float | None:
        """Return the speed between two times of the monotonic clock, in pieces of work per millisecond.

        None with fewer than ten samples. Speeds of several probes compare, so a laboratory can be continued.
        """
        samples = [
            int(line[1])
            for line in map(str.split, self.file.read_text().splitlines())
            if len(line) == 2 and begin <= float(line[0]) <= end
        ]
        if len(samples) < _FEWEST:
            return None
        return 1e6 / median(samples)


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
