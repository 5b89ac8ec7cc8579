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

from loadtests.generator.arrivals import Arrival
from loadtests.generator.businesses import LoadError
from loadtests.generator.journeys import JOURNEYS, Answer, Journey, Premises, Request
from loadtests.generator.latency_table import Outcome, Row
from loadtests.generator.self_report import MOST_AT_ONCE, PATIENCE_SECONDS
from loadtests.generator.workload import Doors

LEAD_SECONDS = 0.5
CANNOT = 2
"""Exit code when the load could not be sent."""


class UnderWay:
    """Requests that were sent and not answered yet, each module's apart."""

    def __init__(self) -> None:
        self._pools = {module: Pool(most) for module, most in MOST_AT_ONCE.items()}

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
class Part:
    """What one process sends. `began` is when 0 s was, on the monotonic clock, once it is under way."""

    side: str
    arrivals: Sequence[Arrival]
    premises: Sequence[Premises]
    doors: Doors
    chance: Random
    began: float = 0.0
    under_way: UnderWay = field(default_factory=UnderWay)


class OpenArrivals(FastHttpUser):
    """Fires Locust's `request` event once for each arrival, with the time from the intended start, and with its `Row`
    and what was answered in the event's context."""

    abstract = True
    fixed_count = 1
    concurrency = sum(MOST_AT_ONCE.values())
    network_timeout = PATIENCE_SECONDS
    connection_timeout = 5.0

    def part(self) -> Part:
        """What to send. Raises LoadError."""
        raise NotImplementedError

    def on_start(self) -> None:
        """Prepare the hour. What is in the way ends the run with one line and exit code 2."""
        # Everybody's cookie is sent by hand; a jar would mix them up.
        self.client.client.cookiejar = None
        self._part: Part | None = None
        try:
            self._part = self.part()
        except LoadError as error:
            sys.stderr.write(f"load: {error}\n")
            self.environment.process_exit_code = CANNOT

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

    def _arrive(self, part: Part, name: str, premises: Premises, due: float, attempt: int = 0) -> None:
        journey = JOURNEYS[name]
        request = journey.ask(premises, part.chance)
        if request is None:
            return
        if part.under_way.full(journey.module):
            self._tell(request, Row(part.side, journey.module, name, due, due, due, "dropped"))
        else:
            part.under_way.spawn(journey.module, self._send, part, name, journey, premises, request, due, attempt)

    def _send(
        self, part: Part, name: str, journey: Journey, premises: Premises, request: Request, due: float, attempt: int
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
            outcome, answer = outcome_of(response)
            row = Row(part.side, journey.module, name, due, sent, answered, outcome, response.status_code)
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

    def _tell(self, request: Request, row: Row) -> None:
        """Of an arrival that was not sent."""
        self.environment.events.request.fire(
            request_type=request.method, name=row.journey, response_time=0, response_length=0,
            exception=LoadError("dropped: too many requests were under way"),
            context={"row": row, "answer": {}, "write": request.method != "GET"},
        )  # fmt: skip


def outcome_of(response: Any) -> tuple[Outcome, Answer]:
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
