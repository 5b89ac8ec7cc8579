"""Run one workload for the laboratory: `python -m loadtests.generator.run_workload WORKLOAD FOLDER`.

WORKLOAD is a file with a `Workload` as JSON. Writes `rows.csv` and, at the end, `generator.json` into FOLDER. At 0 s of
the run it prints "began" and the time (seconds since 1970), so that the laboratory can sample the servers then. SIGINT
and SIGTERM end the run early; rows written until then are kept.
"""

# Locust and gevent annotate little of what they offer.
# mypy: disable-error-code="no-untyped-call"

# Locust comes first: it makes the standard library's sockets cooperative.
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


class _Player(OpenModelUser):
    abstract = True
    planned: ProcessLoad

    def part(self) -> ProcessLoad:
        return self.planned


class _Watch:
    """What the generator looks at in itself, from 0 s on."""

    def __init__(self, part: ProcessLoad, begun: Callable[[float], None]) -> None:
        self._part = part
        self._begun = begun
        self._samples: list[int] = []
        self._cpu = self._since = 0.0
        self.began = 0.0

    def run(self) -> None:
        while not self._part.began:
            gevent.sleep(SAMPLE_SECONDS)
        gevent.sleep(max(0.0, self._part.began - time.perf_counter()))
        self.began = time.time()
        self._begun(self.began)
        self._cpu, self._since = time.process_time(), time.perf_counter()
        while True:
            self._samples.append(len(self._part.under_way))
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


def process_load_of(play: Workload) -> ProcessLoad:
    """Everything that this one process sends. Raises LoadError."""
    arrivals = play.arrivals()
    return ProcessLoad(
        "", arrivals, business_states(play, arrivals), HostRotation(play.hosts), seeded_random(play.seed)
    )


def run_process_load(
    part: ProcessLoad, folder: Path, begun: Callable[[float], None] = lambda _at: None
) -> GeneratorReport:
    """Sends it to the end, or until a signal, and leaves the rows in the folder. `begun` is told when 0 s is. Raises
    LoadError as soon as a row cannot be written."""
    user_class = type("Player", (_Player,), {"planned": part, "abstract": False})
    environment = locust.env.Environment(user_classes=[user_class], host=part.doors.next(""))
    runner, interrupted = environment.create_local_runner(), []

    def end() -> None:
        interrupted.append(True)
        runner.quit()

    def tell(began: float) -> None:
        try:
            begun(began)
        except OSError:
            # Whoever wanted to know is gone, and perhaps whoever would read a complaint.
            end()

    for number in (signal.SIGINT, signal.SIGTERM):
        gevent.signal_handler(number, end)
    with _rows_in(folder) as writer:

        def keep(context: dict[str, Any], **_: Any) -> None:
            try:
                writer.add(context["row"], context["answer"] if context["write"] else {}, part.began)
            except OSError:
                # Locust would log it once for each request, and go on. Closing the file tells it.
                end()

        environment.events.request.add_listener(keep)
        watch = _Watch(part, tell)
        watching = gevent.spawn(watch.run)
        runner.start(1, spawn_rate=1)
        runner.greenlet.join()
        watching.kill()
    if environment.process_exit_code:
        sys.exit(environment.process_exit_code)
    return watch.report(len(part.arrivals), not interrupted)


@contextmanager
def _rows_in(folder: Path) -> Iterator[RowWriter]:
    path = folder / ROWS_FILE
    try:
        with path.open("w", newline="", encoding="utf-8") as file:
            yield RowWriter(file)
    except OSError as error:
        raise LoadError(f"{path} cannot be written: {error.strerror}") from error


def _keep(report: GeneratorReport, path: Path) -> None:
    try:
        path.write_bytes(msgspec.json.encode(report))
    except OSError as error:
        raise LoadError(f"{path} cannot be written: {error.strerror}") from error


def _say_when(began: float) -> None:
    sys.stdout.write(f"began {began:.6f}\n")
    sys.stdout.flush()


def main() -> None:
    """Exit code 2 when the load could not be sent."""
    try:
        play = msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Workload)
        folder = Path(sys.argv[2])
        _keep(run_process_load(process_load_of(play), folder, _say_when), folder / REPORT_FILE)
    except (LoadError, OSError, msgspec.DecodeError) as error:
        sys.stderr.write(f"load: {error}\n")
        sys.exit(EXIT_LOAD_ERROR)


if __name__ == "__main__":
    main()
