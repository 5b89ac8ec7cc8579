"""Metrics that are read from other systems at each scrape, such as the length of a queue in a database."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from typing import Final

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from contracts.chassis.backoff import Every
from contracts.chassis.single_flight import SingleFlight

log = logging.getLogger(__name__)

TIMEOUT_SECONDS: Final = 2.0
_LOG_SECONDS: Final = 60.0

ReadMetrics = Callable[[], Iterable[Metric]]
"""Reads the current metrics of one source. It may hang or raise any exception, and is called by one thread."""


class ScrapedMetrics(Collector):
    """Reads all sources in parallel at each scrape. Register it with the registry of a metrics page.

    A source that fails or does not answer within `timeout` seconds is left out; `metrics_source_up{source}` is then 0.
    Each source has metric names of its own.
    """

    def __init__(self, sources: Mapping[str, ReadMetrics], timeout: float = TIMEOUT_SECONDS) -> None:
        self._sources = {
            name: SingleFlight(lambda read=read: list(read()), f"metrics of {name}")  # type: ignore[misc]
            for name, read in sources.items()
        }
        self._timeout = timeout
        self._may_log = {name: Every(_LOG_SECONDS) for name in sources}

    def collect(self) -> Iterator[Metric]:
        """Yield the metrics, for Prometheus."""
        up = GaugeMetricFamily(
            "metrics_source_up", "1 if the source of metrics answered this scrape, otherwise 0.", labels=["source"]
        )
        running = {name: source.submit() for name, source in self._sources.items()}
        deadline = time.monotonic() + self._timeout
        for name, future in running.items():
            metrics = self._result(name, future, deadline)
            up.add_metric([name], 0 if metrics is None else 1)
            yield from metrics or ()
        yield up

    def _result(self, name: str, future: "Future[list[Metric]]", deadline: float) -> list[Metric] | None:
        try:
            return future.result(max(0.0, deadline - time.monotonic()))
        except Exception as error:
            if self._may_log[name].due():
                log.warning("the metrics of %s cannot be read: %s: %s", name, type(error).__name__, error)
            return None
