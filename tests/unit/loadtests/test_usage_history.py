"""The console's history of usage, scraped from a real metrics page."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from prometheus_client import CollectorRegistry, Gauge, generate_latest

from contracts.chassis.database_sessions import DatabaseSessions
from contracts.chassis.http_metrics import HttpMetrics
from loadtests.evidence.usage_history import OPEN_BREAKERS, UsageHistory


class ServedMetrics(HttpMetrics):
    """The metrics of one module, served on a port."""

    def __init__(self) -> None:
        super().__init__(
            "shop", ["module", "endpoint"], in_flight_labels=1, buckets=[0.01, 0.1, 1.0], folder=None,
            sessions=DatabaseSessions("shop", {}),
        )  # fmt: skip
        self.breakers = Gauge(OPEN_BREAKERS, "Open breakers.", registry=self.registry)

    def serve(self, requests: int, seconds: float) -> None:
        for _ in range(requests):
            self.request_started(("orders", "latest"))
            self.request_finished(("orders", "latest"), 200, seconds, 0.001)


@pytest.fixture
def metrics() -> ServedMetrics:
    return ServedMetrics()


@pytest.fixture
def history(metrics: ServedMetrics) -> Iterator[UsageHistory]:
    class Page(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(generate_latest(_registry(metrics)))

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield UsageHistory([(f"http://127.0.0.1:{server.server_port}/metrics", None)])
        server.shutdown()


def _registry(metrics: ServedMetrics) -> CollectorRegistry:
    return metrics.registry


def test_requests_between_two_scrapes_are_diagnosed(history: UsageHistory, metrics: ServedMetrics) -> None:
    metrics.serve(1, 0.02)
    assert history.scrape().diagnosis is None
    metrics.serve(99, 0.05)
    usage = history.scrape()
    assert usage.window is not None
    orders = usage.window.modules["orders"]
    assert orders.p99 is not None
    assert 0.01 < orders.p99 <= 0.1
    assert list(usage.traffic) == ["shop"]
    assert usage.diagnosis is not None
    assert history.latest() is usage


def test_open_breakers_are_counted(history: UsageHistory, metrics: ServedMetrics) -> None:
    assert history.scrape().open_breakers == 0
    metrics.breakers.set(2)
    assert history.scrape().open_breakers == 2


def test_a_page_that_does_not_answer_is_a_problem_and_no_error() -> None:
    usage = UsageHistory([("http://127.0.0.1:1/metrics", None)]).scrape()
    assert (usage.window, usage.open_breakers) == (None, None)
    assert "127.0.0.1:1" in usage.problems[0]
