"""Whether the generator can be believed on this machine: `python -m loadtests.generator.selftest`.

Two things are measured against a server that does nothing. That many arrivals leave on time from one core; and that a
server which stalls is seen as people would feel it, which a closed loop of virtual users hides.
"""

# The generator comes first: Locust makes the standard library's sockets cooperative.
import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from loadtests.generator.arrivals import constant_rate, poisson_schedule
from loadtests.generator.businesses import Credentials, LoadBusiness
from loadtests.generator.estimates import percentile
from loadtests.generator.journeys import BusinessState
from loadtests.generator.locust_user import ProcessLoad
from loadtests.generator.rows import RawRow, read_rows
from loadtests.generator.run_workload import run_process_load as run_generator
from loadtests.generator.self_report import ROWS_FILE, GeneratorReport
from loadtests.generator.workload import ANY_MODULE, HostRotation, seeded_random

RATE: Final = 600.0
LATE_MS: Final = 5.0
STALL_SECONDS, STALL_EVERY, STALLED_RATE = 2.0, 10.0, 50.0
P90_SECONDS = (0.8, 1.3)
"""A fifth of all come during a stall, and wait for its end: half of those, a tenth of all, longer than a second."""


def main() -> None:
    """Prints a line for each figure; exit code 1 when one of them is not good enough."""
    options = _options()
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    apart = len(cores) > 1
    if apart:
        os.sched_setaffinity(0, {cores[0]})
    server_core = cores[-1] if apart else None
    late = _on_time(options.seconds, server_core)
    p90 = _stalled(options.stalled_seconds, server_core)
    sys.exit(0 if late <= LATE_MS and P90_SECONDS[0] <= p90 <= P90_SECONDS[1] else 1)


def _on_time(seconds: float, core: int | None) -> float:
    rows, report = _sent(RATE, seconds, core, stall=0.0)
    late = percentile([row.sent - row.due for row in rows], 0.99) * 1000
    _say(
        f"{len(rows) / seconds:.0f} arrivals a second from one core: 99 of 100 left within {late:.2f} ms of their time "
        f"(wanted: {LATE_MS:g}), with {report.cpu:.0%} of the core; none dropped"
        if all(row.outcome == "ok" for row in rows)
        else f"{sum(row.outcome != 'ok' for row in rows)} of {len(rows)} arrivals were dropped or not answered"
    )
    return late


def _stalled(seconds: float, core: int | None) -> float:
    rows, _ = _sent(STALLED_RATE, seconds, core, stall=STALL_SECONDS)
    p50, p90 = (percentile([row.answered - row.due for row in rows], share) for share in (0.5, 0.9))
    _say(
        f"a server that stalls {STALL_SECONDS:g} s in every {STALL_EVERY:g}: half are answered within "
        f"{p50 * 1000:.1f} ms, 90 of 100 within {p90:.2f} s (wanted: near 1 s; a closed loop would say about 10 ms)"
    )
    return p90


def _sent(rate: float, seconds: float, core: int | None, *, stall: float) -> tuple[list[RawRow], GeneratorReport]:
    nobody = Credentials("nobody@example.test", "")
    premises = BusinessState(
        LoadBusiness("self-test", "", "", ["nobody"], nobody, [], [nobody]), ["session=1"], "session=2"
    )
    with _server(stall, core) as host, tempfile.TemporaryDirectory(prefix="extraction-selftest-") as folder:
        arrivals = poisson_schedule({"me": rate}, constant_rate, seconds, seed=1)
        part = ProcessLoad("", arrivals, [premises], HostRotation({ANY_MODULE: [host]}), seeded_random(1))
        report = run_generator(part, Path(folder))
        return read_rows(Path(folder) / ROWS_FILE), report


@contextmanager
def _server(stall: float, core: int | None) -> Iterator[str]:
    words = ["--stall", str(stall), "--every", str(STALL_EVERY), *([] if core is None else ["--core", str(core)])]
    command = [sys.executable, "-m", "loadtests.generator.stub_server", *words]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        assert server.stdin is not None
        try:
            yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        finally:
            server.stdin.close()
            server.kill()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="extraction lab selftest", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="how long to send at the full rate")
    parser.add_argument(
        "--stalled-seconds", type=float, default=30.0, help="how long to look at the server that stalls"
    )
    return parser.parse_args()


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
