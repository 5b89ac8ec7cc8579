"""A Locust user that keeps an arrival schedule: each request is sent on time, in its own greenlet.

Locust's wait functions form a closed loop, in which a stalled server receives fewer requests. So each process has one
user, which sends arrivals scheduled in advance.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, NamedTuple

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, task
from locust.exception import StopUser

from loadtests.generator.api_client import LoadError
from loadtests.generator.arrivals import Arrival
from loadtests.generator.journeys import JOURNEYS, ApiRequest, BusinessState, ResponseBody
from loadtests.generator.rows import RequestOutcome, RequestRow
from loadtests.generator.self_report import MAX_IN_FLIGHT, REQUEST_TIMEOUT_SECONDS
from loadtests.generator.workload import HostRotation

LEAD_SECONDS = 0.5
EXIT_LOAD_ERROR = 2
"""Exit code when the load could not be sent."""


class InFlightRequests:
    """Requests without a response yet, limited by module."""

    def __init__(self) -> None:
        self._pools = {module: Pool(limit) for module, limit in MAX_IN_FLIGHT.items()}

    def __len__(self) -> int:
        return sum(map(len, self._pools.values()))

    def is_full(self, module: str) -> bool:
        return bool(self._pools[module].full())

    def spawn(self, module: str, send: Callable[..., None], *arguments: object) -> None:
        self._pools[module].spawn(send, *arguments)

    def join(self) -> None:
        """Wait until all have responses; responses may cause further requests."""
        while len(self):
            for pool in self._pools.values():
                pool.join()


@dataclass
class ProcessLoad:
    """Everything that one process sends. `began` is 0 s of the run on the monotonic clock, 0 before the start."""

    side: str
    arrivals: Sequence[Arrival]
    states: Sequence[BusinessState]
    hosts: HostRotation
    chance: Random
    began: float = 0.0
    in_flight: InFlightRequests = field(default_factory=InFlightRequests)


class _Attempt(NamedTuple):
    """One request of a journey, due at `due`; `number` counts retries after conflicts."""

    journey: str
    state: BusinessState
    request: ApiRequest
    due: float
    number: int

    @property
    def module(self) -> str:
        return JOURNEYS[self.journey].module


class OpenModelUser(FastHttpUser):
    """Base of Locust users that send a schedule of arrivals, once.

    Fires Locust's `request` event for each arrival, with the latency from the intended start; the event's context has
    the `RequestRow` and the decoded response.
    """

    abstract = True
    fixed_count = 1
    concurrency = sum(MAX_IN_FLIGHT.values())
    network_timeout = REQUEST_TIMEOUT_SECONDS
    connection_timeout = 5.0

    def build_load(self) -> ProcessLoad:
        """Raises LoadError."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Prepare the load. A LoadError ends the run with one line and exit code 2."""
        # Cookies are set per request; a cookie jar would mix the users' sessions.
        self.client.client.cookiejar = None
        self._load: ProcessLoad | None = None
        try:
            self._load = self.build_load()
        except LoadError as error:
            sys.stderr.write(f"load: {error}\n")
            self.environment.process_exit_code = EXIT_LOAD_ERROR

    @task
    def send_schedule(self) -> None:
        """Send the whole schedule, once."""
        load = self._load
        if load is not None and load.arrivals:
            load.began = time.perf_counter() + LEAD_SECONDS - min(0.0, load.arrivals[0].at)
            for arrival in load.arrivals:
                due = load.began + arrival.at
                gevent.sleep(max(0.0, due - time.perf_counter()))
                self._start(load, arrival.journey, load.chance.choice(load.states), due)
            load.in_flight.join()
        gevent.spawn(_end, self.environment)
        raise StopUser

    def _start(self, load: ProcessLoad, journey: str, state: BusinessState, due: float, number: int = 0) -> None:
        """Send a request in a greenlet, or drop it when too many are in flight."""
        request = JOURNEYS[journey].build_request(state, load.chance)
        if request is None:
            return
        attempt = _Attempt(journey, state, request, due, number)
        if load.in_flight.is_full(attempt.module):
            self._report_dropped(attempt, load.side)
        else:
            load.in_flight.spawn(attempt.module, self._send, load, attempt)

    def _send(self, load: ProcessLoad, attempt: _Attempt) -> None:
        sent = time.perf_counter()
        request, state = attempt.request, attempt.state
        headers = {"Cookie": request.cookie} if request.cookie else {}
        if request.method != "GET":
            # Not seeded: with equal keys, a second run would get the stored replies of the first.
            headers["Idempotency-Key"] = secrets.token_hex(16)
        address = load.hosts.next(attempt.module) + request.path
        with self.client.request(
            request.method, address, name=attempt.journey, json=request.body, headers=headers, catch_response=True
        ) as response:
            answered = time.perf_counter()
            outcome, answer = classify_response(response)
            row = RequestRow(
                load.side, attempt.module, attempt.journey, attempt.due, sent, answered, outcome, response.status_code
            )
            response.request_meta["response_time"] = row.latency * 1000
            response.request_meta["context"] = _context(request, row, answer)
            if outcome == "ok":
                JOURNEYS[attempt.journey].handle_response(state, request, answer)
            if outcome == "error":
                response.failure(f"status {response.status_code}")
            else:
                response.success()
        hot = state.hot_slots
        if outcome == "conflict" and attempt.journey == "book" and hot is not None and attempt.number < hot.retries:
            # The customer tries another slot immediately.
            self._start(load, attempt.journey, state, answered, attempt.number + 1)

    def _report_dropped(self, attempt: _Attempt, side: str) -> None:
        due, request = attempt.due, attempt.request
        row = RequestRow(side, attempt.module, attempt.journey, due, due, due, "dropped")
        self.environment.events.request.fire(
            request_type=request.method, name=attempt.journey, response_time=0, response_length=0,
            exception=LoadError("dropped: too many requests were in flight"), context=_context(request, row, {}),
        )  # fmt: skip


def _context(request: ApiRequest, row: RequestRow, answer: ResponseBody) -> dict[str, Any]:
    return {"row": row, "answer": answer, "write": request.method != "GET"}


def classify_response(response: Any) -> tuple[RequestOutcome, ResponseBody]:
    """Return the outcome and the decoded body; a success that is not a JSON object counts as an error."""
    if response.status_code == 409:
        return "conflict", {}
    try:
        answer = response.json() if 200 <= response.status_code < 300 else None
    except ValueError:
        answer = None
    return ("ok", answer) if isinstance(answer, dict) else ("error", {})


def _end(environment: Any) -> None:
    """End the run; Locust's web interface keeps running, with its charts."""
    if environment.web_ui is None:
        environment.runner.quit()
    else:
        environment.runner.stop()
