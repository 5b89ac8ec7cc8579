"""Samples the generator itself while it sends: its in-flight requests and its processor time."""

# gevent has few type annotations.
# mypy: disable-error-code="no-untyped-call"

import time
from collections.abc import Callable
from statistics import fmean
from typing import Final

import gevent

from loadtests.generator.self_report import GeneratorReport
from loadtests.generator.sender import ProcessLoad

SAMPLE_SECONDS: Final = 0.02


class SelfMonitor:
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

    def report(self, complete: bool, ended_early: bool = False) -> GeneratorReport:
        seconds = max(1e-9, time.perf_counter() - self._since) if self._since else 0.0
        return GeneratorReport(
            planned=len(self._load.arrivals),
            began=self.began,
            seconds=seconds,
            cpu=(time.process_time() - self._cpu) / seconds if seconds else 0.0,
            in_flight=fmean(self._samples) if self._samples else 0.0,
            complete=complete,
            skipped=self._load.skipped,
            ended_early=ended_early,
        )
