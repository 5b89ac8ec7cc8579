"""A Locust user that keeps a schedule: each arrival in a greenlet of its own and on time, whatever became of others.

Every wait function of Locust is a closed loop, in which a stalled server is asked less. So there is one user to a
process, which sends arrivals made beforehand.
"""

# Locust and gevent annotate little of what they offer.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

import secrets
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, task
from locust.exception import StopUser

from loadtests.generator.api_client import LoadError
from loadtests.generator.arrivals import Arrival
from loadtests.generator.journeys import JOURNEYS, ApiRequest, BusinessState, Journey, ResponseBody
from loadtests.generator.latency_table import RequestOutcome, RequestRow
from loadtests.generator.self_report import MAX_IN_FLIGHT, REQUEST_TIMEOUT_SECONDS
from loadtests.generator.workload import HostRotation

LEAD_SECONDS = 0.5
EXIT_LOAD_ERROR = 2
"""Exit code when the load could not be sent."""


class InFlightRequests:
    """Requests that were sent and not answered yet, each module's apart."""

    def __init__(self) -> None:
        self._pools = {module: Pool(most) for module, most in MAX_IN_FLIGHT.items()}

    def __len__(self) -> int:
        return sum(map(len, self._pools.values()))

    def full(self, module: str) -> bool:
        """Whether there is no room for one more."""
        return bool(self._pools[module].full())

    def spawn(self, module: str, send: Callable[..., None], *arguments: object) -> None:
        self._pools[module].spawn(send, *arguments)

    def join(self) -> None:
        """Returns when all have been answered; answers may send more."""
        while len(self):
            for pool in self._pools.values():
                pool.join()


@dataclass
class ProcessLoad:
    """What one process sends. `began` is when 0 s was, on the monotonic clock, once it is under way."""

    side: str
    arrivals: Sequence[Arrival]
    premises: Sequence[BusinessState]
    doors: HostRotation
    chance: Random
    began: float = 0.0
    under_way: InFlightRequests = field(default_factory=InFlightRequests)


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

    def part(self) -> ProcessLoad:
        """What to send. Raises LoadError."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Prepare the hour. What is in the way ends the run with one line and exit code 2."""
        # Everybody's cookie is sent by hand; a jar would mix them up.
        self.client.client.cookiejar = None
        self._part: ProcessLoad | None = None
        try:
            self._part = self.part()
        except LoadError as error:
            sys.stderr.write(f"load: {error}\n")
            self.environment.process_exit_code = EXIT_LOAD_ERROR

    @task
    def hour(self) -> None:
        """Send the whole schedule, once."""
        part = self._part
        if part is not None and part.arrivals:
            part.began = time.perf_counter() + LEAD_SECONDS - min(0.0, part.arrivals[0].at)
            for arrival in part.arrivals:
                due = part.began + arrival.at
                gevent.sleep(max(0.0, due - time.perf_counter()))
                self._arrive(part, arrival.journey, part.chance.choice(part.premises), due)
            part.under_way.join()
        gevent.spawn(_end, self.environment)
        raise StopUser

    def _arrive(self, part: ProcessLoad, name: str, premises: BusinessState, due: float, attempt: int = 0) -> None:
        journey = JOURNEYS[name]
        request = journey.ask(premises, part.chance)
        if request is None:
            return
        if part.under_way.full(journey.module):
            self._tell(request, RequestRow(part.side, journey.module, name, due, due, due, "dropped"))
        else:
            part.under_way.spawn(journey.module, self._send, part, name, journey, premises, request, due, attempt)

    def _send(
        self,
        part: ProcessLoad,
        name: str,
        journey: Journey,
        premises: BusinessState,
        request: ApiRequest,
        due: float,
        attempt: int,
    ) -> None:
        sent = time.perf_counter()
        headers = {"Cookie": request.cookie} if request.cookie else {}
        if request.method != "GET":
            # Not from the seed: another run with the same seed would be answered with this one's replies.
            headers["Idempotency-Key"] = secrets.token_hex(16)
        address = part.doors.next(journey.module) + request.path
        with self.client.request(
            request.method, address, name=name, json=request.body, headers=headers, catch_response=True
        ) as response:
            answered = time.perf_counter()
            outcome, answer = classify_response(response)
            row = RequestRow(part.side, journey.module, name, due, sent, answered, outcome, response.status_code)
            response.request_meta["response_time"] = row.latency * 1000
            response.request_meta["context"] = {"row": row, "answer": answer, "write": request.method != "GET"}
            if outcome == "ok":
                journey.learn(premises, request, answer)
            if outcome == "error":
                response.failure(f"status {response.status_code}")
            else:
                response.success()
        crowd = premises.favourites
        if outcome == "conflict" and name == "book" and crowd is not None and attempt < crowd.retries:
            # Whoever was too late looks at the next slot at once.
            self._arrive(part, name, premises, answered, attempt + 1)

    def _tell(self, request: ApiRequest, row: RequestRow) -> None:
        """Of an arrival that was not sent."""
        self.environment.events.request.fire(
            request_type=request.method, name=row.journey, response_time=0, response_length=0,
            exception=LoadError("dropped: too many requests were under way"),
            context={"row": row, "answer": {}, "write": request.method != "GET"},
        )  # fmt: skip


def classify_response(response: Any) -> tuple[RequestOutcome, ResponseBody]:
    """An answer that cannot be read is an error, whatever its status says."""
    if response.status_code == 409:
        return "conflict", {}
    try:
        answer = response.json() if 200 <= response.status_code < 300 else None
    except ValueError:
        answer = None
    return ("ok", answer) if isinstance(answer, dict) else ("error", {})


def _end(environment: Any) -> None:
    """The hour is over. Locust's web interface stays, for a look at its charts."""
    if environment.web_ui is None:
        environment.runner.quit()
    else:
        environment.runner.stop()
