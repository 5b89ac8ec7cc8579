"""Open-loop load: what counts as good, and that a slow server does not slow down the clients."""

import itertools
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from loadtests.harness.offered_load import OfferedLoad, offer
from loadtests.harness.raw_http import render_request

REQUEST = render_request("GET", "/", host="127.0.0.1", headers={})


@contextmanager
def server(status: int, seconds: float) -> Iterator[int]:
    """Yield the port of a server that answers after some time."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            time.sleep(seconds)
            self.send_response(status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Log nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield running.server_port
        finally:
            running.shutdown()
            thread.join()


def offered(status: int, seconds: float, *, patience: float) -> OfferedLoad:
    with server(status, seconds) as port:
        return offer(port, itertools.repeat(REQUEST), rate=50.0, seconds=0.5, patience=patience)


def test_responses_in_time_are_good() -> None:
    load = offered(200, 0.0, patience=5.0)
    assert len(load.outcomes) > 10
    assert load.goodput == len(load.outcomes) / 0.5
    assert (load.last_failure, load.latency(1.0) < 5.0) == (0.0, True)


@pytest.mark.parametrize(("status", "seconds", "seen"), [(503, 0.0, 503), (200, 2.0, 0)])
def test_refusals_and_late_responses_are_not_good(status: int, seconds: float, seen: int) -> None:
    load = offered(status, seconds, patience=0.3)
    assert {each.status for each in load.outcomes} == {seen}
    assert load.goodput == 0
    assert load.latency(0.01) == float("inf")
    assert load.last_failure == max(each.due for each in load.outcomes)


def test_requests_are_sent_on_schedule_although_earlier_ones_are_unanswered() -> None:
    load = offered(200, 0.4, patience=5.0)
    assert load.goodput == len(load.outcomes) / 0.5
    assert load.latency(1.0) < 0.4 * len(load.outcomes) / 2, "they did not queue behind each other"
