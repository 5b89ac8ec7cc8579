"""Check that the load generator is accurate on this machine: `python -m loadtests.generator.selftest`.

Two checks against a stub server: that scheduled requests leave on time from one core, and that a stall of the server
shows in the latencies, which a closed loop of virtual users would hide.
"""

# Import Locust first: it patches the standard library's sockets.
import locust.env  # noqa: F401 # isort: skip

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from loadtests.generator.arrivals import constant_rate, numbered, poisson_schedule
from loadtests.generator.businesses import Credentials, LoadBusiness
from loadtests.generator.estimates import percentile
from loadtests.generator.rows import RawRow, read_rows
from loadtests.generator.run_workload import run_process_load
from loadtests.generator.self_report import ROWS_FILE, GeneratorReport
from loadtests.generator.sender import ProcessLoad
from loadtests.generator.visits import BusinessState
from loadtests.generator.workload import ANY_MODULE, LeastConnections

RATE: Final = 600.0
MAX_DELAY_MS: Final = 5.0
STALL_SECONDS, STALL_EVERY, STALLED_RATE = 2.0, 10.0, 50.0
P90_SECONDS = (0.8, 1.3)
"""Expected p90 with stalls: a fifth of the requests wait for the end of a stall, half of these longer than a second."""


def main() -> None:
    """Print a line per check; exit with code 1 when one fails."""
    options = _options()
    cores = sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else []
    can_pin = len(cores) > 1
    if can_pin:
        os.sched_setaffinity(0, {cores[0]})
    server_core = cores[-1] if can_pin else None
    delay = _measure_delay(options.seconds, server_core)
    p90 = _measure_stalls(options.stalled_seconds, server_core)
    sys.exit(0 if delay <= MAX_DELAY_MS and P90_SECONDS[0] <= p90 <= P90_SECONDS[1] else 1)


def _measure_delay(seconds: float, core: int | None) -> float:
    """Return p99 of the send delay in milliseconds."""
    rows, report = _send(RATE, seconds, core, stall=0.0)
    delay = percentile([row.sent - row.due for row in rows], 0.99) * 1000
    _print(
        f"{len(rows) / seconds:.0f} requests/s from one core: p99 of the send delay {delay:.2f} ms "
        f"(limit {MAX_DELAY_MS:g}), {report.cpu:.0%} of the core, none dropped"
        if all(row.outcome == "ok" for row in rows)
        else f"{sum(row.outcome != 'ok' for row in rows)} of {len(rows)} requests were dropped or failed"
    )
    return delay


def _measure_stalls(seconds: float, core: int | None) -> float:
    """Return p90 of the latency in seconds."""
    rows, _ = _send(STALLED_RATE, seconds, core, stall=STALL_SECONDS)
    p50, p90 = (percentile([row.answered - row.due for row in rows], share) for share in (0.5, 0.9))
    _print(
        f"server stalls for {STALL_SECONDS:g} s of every {STALL_EVERY:g} s: median latency {p50 * 1000:.1f} ms, "
        f"p90 {p90:.2f} s (expected about 1 s; a closed loop would measure about 10 ms)"
    )
    return p90


def _send(rate: float, seconds: float, core: int | None, *, stall: float) -> tuple[list[RawRow], GeneratorReport]:
    user = Credentials("nobody@example.test", "")
    business = LoadBusiness("self-test", "", "", ["provider"], user, [], [user])
    state = BusinessState(business, ["session=1"], "session=2")
    with _stub_server(stall, core) as host, tempfile.TemporaryDirectory(prefix="extraction-selftest-") as folder:
        arrivals = numbered(poisson_schedule({"me": rate}, constant_rate, seconds, seed=1))
        load = ProcessLoad("", arrivals, [state], LeastConnections({ANY_MODULE: [host]}), seed=1)
        report = run_process_load(load, Path(folder))
        return read_rows(Path(folder) / ROWS_FILE), report


@contextmanager
def _stub_server(stall: float, core: int | None) -> Iterator[str]:
    arguments = ["--stall", str(stall), "--every", str(STALL_EVERY), *([] if core is None else ["--core", str(core)])]
    command = [sys.executable, "-m", "loadtests.generator.stub_server", *arguments]
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
    parser.add_argument("--seconds", type=float, default=10.0, help="duration of the check at full rate")
    parser.add_argument("--stalled-seconds", type=float, default=30.0, help="duration of the check with stalls")
    return parser.parse_args()


def _print(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
