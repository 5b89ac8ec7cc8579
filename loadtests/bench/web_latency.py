"""Latencies of one page at a steady rate, counted from the intended start of each request."""

import http.client
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

from deploy.errors import CommandError

LONGEST_SECONDS = 30.0
THREADS = 16
"""More than the requests that are in flight at the rates of the bench, so that none waits for a thread."""


def steady_latencies(address: str, rate: float, seconds: float) -> list[float]:
    """Request the page `rate` times a second for `seconds`, and return the latencies in seconds, in order of arrival.

    A slow reply delays no other request. A request that a busy server refuses (503) is repeated after its
    `Retry-After`, and counts from its intended start. Raises CommandError for any other reply that is not OK.
    """
    pages, began, interval = _Pages(address), time.perf_counter(), 1 / rate
    with ThreadPoolExecutor(THREADS) as threads:
        pending = []
        for number in range(int(rate * seconds)):
            due = began + number * interval
            time.sleep(max(0.0, due - time.perf_counter()))
            pending.append(threads.submit(pages.latency, due))
        return [each.result() for each in pending]


class _Pages:
    """One persistent connection for each thread."""

    def __init__(self, address: str) -> None:
        self._at = urlsplit(address)
        self._local = threading.local()

    def latency(self, due: float) -> float:
        connection = getattr(self._local, "connection", None)
        if connection is None:
            connection = self._local.connection = http.client.HTTPConnection(self._at.netloc, timeout=30)
        reply = self._reply(connection)
        while reply.status == http.HTTPStatus.SERVICE_UNAVAILABLE and time.perf_counter() - due < LONGEST_SECONDS:
            # A busy server refuses requests before it is slow: a refusal counts as the time until the page was shown.
            time.sleep(float(reply.headers.get("Retry-After", 1)))
            reply = self._reply(connection)
        if reply.status != http.HTTPStatus.OK:
            raise CommandError(f"{self._at.path} was answered with status {reply.status}")
        return time.perf_counter() - due

    def _reply(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        try:
            return self._exchange(connection)
        except (OSError, http.client.HTTPException):
            # The server may have closed the idle connection: the repeated request counts from the intended start too.
            connection.close()
            return self._exchange(connection)

    def _exchange(self, connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        connection.request("GET", self._at.path)
        reply = connection.getresponse()
        reply.read()
        return reply
