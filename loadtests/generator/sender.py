"""Sends an arrival schedule: each request leaves on time, in its own greenlet.

Locust's wait functions form a closed loop, in which a stalled server receives fewer requests. So no Locust user sends
anything: each process has one sender, which sends arrivals scheduled in advance.
"""

# Locust and gevent have few type annotations.
# mypy: disable-error-code="no-untyped-call"

import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import gevent
from gevent.pool import Group, Pool
from locust.contrib.fasthttp import FastHttpSession
from locust.env import Environment

from loadtests.generator.api_client import LoadError
from loadtests.generator.arrivals import Arrival
from loadtests.generator.journeys import JOURNEYS, SESSIONS, THINK_SECONDS, ApiRequest, ResponseBody, steps_of
from loadtests.generator.rows import RequestOutcome, RequestRow
from loadtests.generator.self_report import MAX_IN_FLIGHT, REQUEST_TIMEOUT_SECONDS
from loadtests.generator.visits import BusinessState, LoadVisit, begin_visit
from loadtests.generator.workload import LeastConnections

LEAD_SECONDS = 0.5
EXIT_LOAD_ERROR = 2
"""Exit code when the load could not be sent."""


class InFlightRequests:
    """Requests without a response yet, limited by module, and sessions that wait before their next request."""

    def __init__(self) -> None:
        self._pools = {module: Pool(limit) for module, limit in MAX_IN_FLIGHT.items()}
        self._thinking = Group()

    def __len__(self) -> int:
        return sum(map(len, self._pools.values()))

    def is_full(self, module: str) -> bool:
        return bool(self._pools[module].full())

    def spawn(self, module: str, send: Callable[..., None], *arguments: object) -> None:
        self._pools[module].spawn(send, *arguments)

    def spawn_later(self, seconds: float, send: Callable[..., object], *arguments: object) -> None:
        self._thinking.start(gevent.Greenlet(_after, seconds, send, *arguments))

    def join(self) -> None:
        """Wait until all have responses; responses may cause further requests."""
        while len(self) or len(self._thinking):
            for group in (*self._pools.values(), self._thinking):
                group.join()

    def kill(self) -> None:
        for group in (self._thinking, *self._pools.values()):
            group.kill()


@dataclass
class ProcessLoad:
    """Everything that one process sends. `began` is 0 s of the run on the monotonic clock, 0 before the start.

    `skipped` counts arrivals that sent no request, because there was nothing to cancel or reschedule yet.
    """

    side: str
    arrivals: Sequence[Arrival]
    states: Sequence[BusinessState]
    hosts: LeastConnections
    seed: int
    began: float = 0.0
    skipped: int = 0
    in_flight: InFlightRequests = field(default_factory=InFlightRequests)


class _Attempt(NamedTuple):
    """One request of a visit, due at `due`; `number` counts retries after conflicts."""

    name: str
    visit: LoadVisit
    step: int
    request: ApiRequest
    due: float
    number: int

    @property
    def journey(self) -> str:
        return steps_of(self.name)[self.step]

    @property
    def module(self) -> str:
        return JOURNEYS[self.journey].module


class ScheduleSender:
    """Sends a schedule of arrivals, once.

    Fires Locust's `request` event for each request, with the latency from the intended start; the event's context has
    the `RequestRow` and the decoded response. A dropped request counts as a failure that took the request timeout, so
    that drops do not make Locust's own statistics look faster.
    """

    def __init__(self, environment: Environment, load: ProcessLoad) -> None:
        self._environment = environment
        self._load = load
        self._client = FastHttpSession(
            base_url=None,
            request_event=environment.events.request,
            user=None,
            concurrency=sum(MAX_IN_FLIGHT.values()),
            network_timeout=REQUEST_TIMEOUT_SECONDS,
            connection_timeout=5.0,
            max_retries=0,
        )
        # Cookies are set per request; a cookie jar would mix the users' sessions.
        self._client.client.cookiejar = None
        self._greenlet: gevent.Greenlet | None = None
        self._stopped = self.ended_early = False

    def run(self) -> None:
        """Send the whole schedule, and wait for the responses. Returns early when `stop` is called."""
        if self._stopped:
            return
        self._greenlet = gevent.spawn(self._send_all)
        self._greenlet.join()

    def stop(self) -> None:
        """End the load; requests without a response yet leave no row."""
        self._stopped = True
        if self._greenlet is not None:
            self._greenlet.kill(block=False)
            gevent.spawn(self._load.in_flight.kill)

    def end_early(self) -> None:
        """Send no further arrivals; requests in flight are answered as usual."""
        self.ended_early = True

    def _send_all(self) -> None:
        load = self._load
        if not load.arrivals:
            return
        load.began = time.perf_counter() + LEAD_SECONDS - min(0.0, load.arrivals[0].at)
        for arrival in load.arrivals:
            due = load.began + arrival.at
            gevent.sleep(max(0.0, due - time.perf_counter()))
            if self.ended_early:
                break
            visit = begin_visit(load.states, load.seed, arrival.number)
            if not self._start(arrival.journey, visit, 0, due):
                load.skipped += 1
        load.in_flight.join()

    def _start(self, name: str, visit: LoadVisit, step: int, due: float, number: int = 0) -> bool:
        """Send a request in a greenlet, or drop it when too many are in flight; return False without a request."""
        request = JOURNEYS[steps_of(name)[step]].build_request(visit)
        if request is None:
            return False
        attempt = _Attempt(name, visit, step, request, due, number)
        if self._load.in_flight.is_full(attempt.module):
            self._report_dropped(attempt)
        else:
            self._load.in_flight.spawn(attempt.module, self._send, attempt)
        return True

    def _send(self, attempt: _Attempt) -> None:
        sent = time.perf_counter()
        request = attempt.request
        headers = {"Cookie": request.cookie} if request.cookie else {}
        if request.method != "GET":
            # Not seeded: with equal keys, a second run would get the stored replies of the first.
            headers["Idempotency-Key"] = secrets.token_hex(16)
        host = self._load.hosts.begin(attempt.module)
        address = host + request.path
        with self._client.request(
            request.method, address, name=attempt.journey, json=request.body, headers=headers, catch_response=True
        ) as response:
            answered = time.perf_counter()
            self._load.hosts.end(host)
            outcome, answer = _handle(attempt, response)
            row = self._row(attempt, sent, answered, outcome, response.status_code)
            response.request_meta["response_time"] = row.latency * 1000
            response.request_meta["context"] = _context(request, row, answer)
            if outcome == "error":
                response.failure(f"status {response.status_code}" if response.status_code else "no response")
            else:
                response.success()
        self._continue(attempt, outcome, answered)

    def _continue(self, attempt: _Attempt, outcome: RequestOutcome, answered: float) -> None:
        """Continue the visit: the next request of a session, or another hot slot after a conflict."""
        visit, hot = attempt.visit, attempt.visit.state.hot_slots
        if outcome == "ok" and attempt.step + 1 < len(steps_of(attempt.name)):
            think = visit.chance.expovariate(1 / THINK_SECONDS)
            due = answered + think
            self._load.in_flight.spawn_later(think, self._start, attempt.name, visit, attempt.step + 1, due)
        elif outcome == "conflict" and attempt.journey in ("book", "hold") and hot and attempt.number < hot.retries:
            self._start(attempt.name, visit, attempt.step, answered, attempt.number + 1)

    def _report_dropped(self, attempt: _Attempt) -> None:
        due, request = attempt.due, attempt.request
        self._environment.events.request.fire(
            request_type=request.method, name=attempt.journey, response_time=REQUEST_TIMEOUT_SECONDS * 1000,
            response_length=0, exception=LoadError("dropped: too many requests were in flight"),
            context=_context(request, self._row(attempt, due, due, "dropped"), {}),
        )  # fmt: skip

    def _row(
        self, attempt: _Attempt, sent: float, answered: float, outcome: RequestOutcome, status: int = 0
    ) -> RequestRow:
        return RequestRow(
            side=self._load.side,
            module=attempt.module,
            journey=attempt.journey,
            due=attempt.due,
            sent=sent,
            answered=answered,
            outcome=outcome,
            status=status,
            arrival=attempt.visit.arrival,
            session=attempt.name if attempt.name in SESSIONS else "",
            step=attempt.step,
        )


def _after(seconds: float, send: Callable[..., object], *arguments: object) -> None:
    gevent.sleep(seconds)
    send(*arguments)


def _handle(attempt: _Attempt, response: Any) -> tuple[RequestOutcome, ResponseBody]:
    """Classify a response; a success whose body has another structure counts as an error."""
    outcome, answer = classify_response(response)
    if outcome == "ok":
        try:
            JOURNEYS[attempt.journey].handle_response(attempt.visit, attempt.request, answer)
        except (KeyError, TypeError, ValueError):
            return "error", {}
    return outcome, answer


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
