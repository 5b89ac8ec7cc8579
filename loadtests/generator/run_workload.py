"""Run one workload for the laboratory: `python -m loadtests.generator.run_workload WORKLOAD FOLDER`.

WORKLOAD is a file with a `Workload` as JSON. Writes `rows.csv` and, at the end, `generator.json` into FOLDER. At 0 s of
the run it prints "began" and the time (seconds since 1970), so that the laboratory can sample the servers then. SIGINT
and SIGTERM end the run early; rows written until then are kept.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call"

# Import Locust first: it patches the standard library's sockets.
import locust.env  # isort: skip

import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import fmean
from typing import Any, Final

import gevent
import msgspec

from loadtests.generator.api_client import LoadError
from loadtests.generator.locust_user import EXIT_LOAD_ERROR, OpenModelUser, ProcessLoad
from loadtests.generator.rows import RowWriter
from loadtests.generator.self_report import REPORT_FILE, ROWS_FILE, GeneratorReport
from loadtests.generator.workload import HostRotation, Workload, business_states, seeded_random

SAMPLE_SECONDS: Final = 0.02


class _WorkloadUser(OpenModelUser):
    abstract = True
    load: ProcessLoad

    def build_load(self) -> ProcessLoad:
        return self.load


class _SelfMonitor:
    """Samples the generator's in-flight requests and processor time from 0 s on."""

    def __init__(self, load: ProcessLoad, on_start: Callable[[float], None], end: Callable[[], None]) -> None:
        self._load = load
        self._on_start = on_start
        self._end = end
        self._samples: list[int] = []
        self._cpu = self._since = 0.0
        self.began = 0.0

    def run(self) -> None:
        while not self._load.began:
            gevent.sleep(SAMPLE_SECONDS)
        gevent.sleep(max(0.0, self._load.began - time.perf_counter()))
        self.began = time.time()
        try:
            self._on_start(self.began)
        except OSError:
            # The parent process has exited; standard error may be closed as well.
            self._end()
        self._cpu, self._since = time.process_time(), time.perf_counter()
        while True:
            self._samples.append(len(self._load.in_flight))
            gevent.sleep(SAMPLE_SECONDS)

    def report(self, planned: int, complete: bool) -> GeneratorReport:
        seconds = max(1e-9, time.perf_counter() - self._since) if self._since else 0.0
        return GeneratorReport(
            planned=planned,
            began=self.began,
            seconds=seconds,
            cpu=(time.process_time() - self._cpu) / seconds if seconds else 0.0,
            in_flight=fmean(self._samples) if self._samples else 0.0,
            complete=complete,
        )


def build_process_load(workload: Workload) -> ProcessLoad:
    """Return the whole workload as the load of this process. Raises LoadError."""
    arrivals = workload.arrivals()
    states = business_states(workload, arrivals)
    return ProcessLoad("", arrivals, states, HostRotation(workload.hosts), seeded_random(workload.seed))


def run_process_load(
    load: ProcessLoad, folder: Path, on_start: Callable[[float], None] = lambda _at: None
) -> GeneratorReport:
    """Send the load until its end or a signal, and write the rows into the folder.

    Calls `on_start` at 0 s. Raises LoadError as soon as a row cannot be written.
    """
    user_class = type("WorkloadUser", (_WorkloadUser,), {"load": load, "abstract": False})
    environment = locust.env.Environment(user_classes=[user_class], host=load.hosts.next(""))
    runner, interrupted = environment.create_local_runner(), []

    def end() -> None:
        interrupted.append(True)
        runner.quit()

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, end)
    with _row_writer(folder) as writer:

        def write_row(context: dict[str, Any], **_: Any) -> None:
            try:
                writer.add(context["row"], context["answer"] if context["write"] else {}, load.began)
            except OSError:
                # Locust would log the error for every request and continue. Closing the file raises it again.
                end()

        environment.events.request.add_listener(write_row)
        monitor = _SelfMonitor(load, on_start, end)
        monitoring = gevent.spawn(monitor.run)
        runner.start(1, spawn_rate=1)
        runner.greenlet.join()
        monitoring.kill()
    if environment.process_exit_code:
        sys.exit(environment.process_exit_code)
    return monitor.report(len(load.arrivals), not interrupted)


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
        _write_report(run_process_load(build_process_load(workload), folder, _print_start), folder / REPORT_FILE)
    except (LoadError, OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(EXIT_LOAD_ERROR)


if __name__ == "__main__":
    main()
