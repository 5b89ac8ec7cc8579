"""Median latencies of calls that alternate, so that a disturbance of the machine affects all of them alike."""

import http.client
import time
from collections.abc import Callable, Sequence

from deploy.devstack.ports import HOST
from deploy.errors import CommandError
from loadtests.generator.estimates import percentile


def alternating_medians(calls: Sequence[Callable[[], object]], rounds: int) -> list[float]:
    """Make each call once per round; return the median of each, in seconds."""
    taken: list[list[float]] = [[] for _ in calls]
    for _ in range(rounds):
        for call, times in zip(calls, taken, strict=True):
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
    return [percentile(times, 0.5) for times in taken]


def search_call(port: int, path: str) -> Callable[[], None]:
    """Return a call that sends the search on its own persistent connection; it raises CommandError unless it is OK."""
    connection = http.client.HTTPConnection(HOST, port, timeout=30)

    def call() -> None:
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        if not body or answer.status != http.HTTPStatus.OK:
            raise CommandError(f"a measured search failed with status {answer.status}: {body[:200]!r}")

    return call
