"""Run one workload for the laboratory: `python -m loadtests.generator.run_workload WORKLOAD FOLDER [--wait]`.

WORKLOAD is a file with a `Workload` as JSON. Writes `rows.csv` and, at the end, `generator.json` into FOLDER. At 0 s of
the run it prints "began" and the time (seconds since 1970), so that the laboratory can sample the servers then. With
--wait it prints "ready" when it can begin, and begins after a line on standard input, so that two generators can begin
together. SIGINT and SIGTERM end the run early; rows written until then are kept.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call"

# Import Locust first: it patches the standard library's sockets.
import locust.env  # isort: skip

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import gevent
import msgspec

from loadtests.generator.api_client import LoadError
from loadtests.generator.early_end import MissCounter
from loadtests.generator.rows import RowWriter
from loadtests.generator.self_monitor import SelfMonitor
from loadtests.generator.self_report import REPORT_FILE, ROWS_FILE, GeneratorReport
from loadtests.generator.sender import EXIT_LOAD_ERROR, ProcessLoad, ScheduleSender
from loadtests.generator.workload import LeastConnections, Workload, business_states


def build_process_load(workload: Workload) -> ProcessLoad:
    """Return the whole workload as the load of this process. Raises LoadError."""
    arrivals = workload.arrivals()
    states = business_states(workload, arrivals)
    return ProcessLoad("", arrivals, states, LeastConnections(workload.hosts), workload.seed)


def run_process_load(
    load: ProcessLoad,
    folder: Path,
    on_start: Callable[[float], None] = lambda _at: None,
    misses: MissCounter | None = None,
) -> GeneratorReport:
    """Send the load until its end or a signal, and write the rows into the folder.

    Calls `on_start` at 0 s. With `misses` the load ends early once a module has missed too many of its promises. Raises
    LoadError as soon as a row cannot be written.
    """
    environment = locust.env.Environment()
    sender, interrupted = ScheduleSender(environment, load), []

    def end() -> None:
        interrupted.append(True)
        sender.stop()

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, end)
    with _row_writer(folder) as writer:

        def write_row(context: dict[str, Any], **_: Any) -> None:
            if misses is not None and misses.is_hopeless(context["row"], load.began):
                sender.end_early()
            try:
                writer.add(context["row"], context["answer"] if context["write"] else {}, load.began)
            except OSError:
                # Locust would log the error for every request and continue. Closing the file raises it again.
                end()

        environment.events.request.add_listener(write_row)
        monitor = SelfMonitor(load, on_start, end)
        monitoring = gevent.spawn(monitor.run)
        sender.run()
        monitoring.kill()
    return monitor.report(not interrupted, sender.ended_early)


@contextmanager
def _row_writer(folder: Path) -> Iterator[RowWriter]:
    path = folder / ROWS_FILE
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            yield RowWriter(file)
    except OSError as error:
        raise LoadError(f"{path} cannot be written: {error.strerror}") from error


def _write_report(report: GeneratorReport, path: Path) -> None:
    try:
        path.write_bytes(msgspec.json.encode(report))
    except OSError as error:
        raise LoadError(f"{path} cannot be written: {error.strerror}") from error


def _print_start(began: float) -> None:
    sys.stdout.write(f"began {began:.6f}\n")
    sys.stdout.flush()


def main() -> None:
    """Exits with code 2 when the load could not be sent."""
    try:
        workload = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Workload)
        folder = Path(sys.argv[2])
        load = build_process_load(workload)
        if "--wait" in sys.argv[3:]:
            sys.stdout.write("ready\n")
            sys.stdout.flush()
            sys.stdin.readline()
        misses = MissCounter(workload.early_end, load.arrivals) if workload.early_end is not None else None
        _write_report(run_process_load(load, folder, _print_start, misses), folder / REPORT_FILE)
    except (LoadError, OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(EXIT_LOAD_ERROR)


if __name__ == "__main__":
    main()
