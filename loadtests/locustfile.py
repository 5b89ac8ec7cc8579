"""The peak hour as a Locust user. `make load` runs it against both topologies; by hand it is ordinary Locust:

    locust -f loadtests/locustfile.py --host http://127.0.0.1:8000 --side http --headless

Every wait function of Locust is a closed loop, in which a stalled server is asked less. So there is one user, who sends
the arrivals of a schedule made beforehand, each in a greenlet of its own and on time, whatever became of the others.
"""

# Locust and gevent annotate little of what they offer.
# mypy: disable-error-code="no-untyped-call, untyped-decorator"

import secrets
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import gevent
from gevent.pool import Pool
from locust import FastHttpUser, events, task
from locust.argument_parser import LocustArgumentParser
from locust.exception import StopUser

from loadtests.arrivals import Arrival
from loadtests.businesses import LoadError, read_description, signed_in
from loadtests.journeys import JOURNEYS, Answer, Journey, Premises, Request, plan
from loadtests.report import Outcome, Row

MOST_AT_ONCE = 200
"""Requests under way; an arrival that finds as many is dropped, and counted as such."""
PATIENCE_SECONDS = 30.0
LEAD_SECONDS = 0.5
CANNOT = 2
"""Exit code when the load could not be sent."""


@events.init_command_line_parser.add_listener
def add_options(parser: LocustArgumentParser) -> None:
    """Shown by `locust -f loadtests/locustfile.py --help`, and on the start page of Locust's web interface."""
    parser.add_argument("--businesses", default=".data/load.json", help="The file that `make load` wrote.")
    parser.add_argument("--side", default="in_process", choices=("in_process", "http"), help="Whose businesses.")
    parser.add_argument("--seconds", type=float, default=60.0, help="Length of the peak hour.")
    parser.add_argument("--rate", type=float, default=60.0, help="Scheduling requests a second at the peak.")
    parser.add_argument("--seed", type=int, default=1, help="The same seed gives the same arrivals.")


class PeakHour(FastHttpUser):
    """Fires Locust's `request` event once for each arrival, with the time from the intended start, and with its `Row`
    in the event's context."""

    fixed_count = 1
    concurrency = MOST_AT_ONCE
    network_timeout = PATIENCE_SECONDS
    connection_timeout = 5.0

    def on_start(self) -> None:
        """Sign everybody in, and plan the hour. What is in the way ends the run with one line and exit code 2."""
        # Everybody's cookie is sent by hand; a jar would mix them up.
        self.client.client.cookiejar = None
        options = self.environment.parsed_options
        assert options is not None
        self._side: str = options.side
        self._chance = Random(options.seed)
        self._plan = plan(options.rate, options.seconds, options.seed)
        self._pool = Pool(MOST_AT_ONCE)
        try:
            self._premises = _premises(str(self.host), Path(options.businesses), options.side)
        except LoadError as error:
            sys.stderr.write(f"load: {error}\n")
            self.environment.process_exit_code = CANNOT
            self._plan = []

    @task
    def hour(self) -> None:
        """Send the whole schedule, once."""
        began = time.perf_counter() + LEAD_SECONDS
        for arrival in self._plan:
            gevent.sleep(max(0.0, began + arrival.at - time.perf_counter()))
            self._arrive(arrival, began + arrival.at)
        self._pool.join()
        gevent.spawn(_end, self.environment)
        raise StopUser

    def _arrive(self, arrival: Arrival, due: float) -> None:
        journey, premises = JOURNEYS[arrival.journey], self._chance.choice(self._premises)
        request = journey.ask(premises, self._chance)
        if request is None:
            return
        if self._pool.full():
            self._tell(request, Row(self._side, journey.module, arrival.journey, due, due, due, "dropped"))
        else:
            self._pool.spawn(self._send, arrival.journey, journey, premises, request, due)

    def _send(self, name: str, journey: Journey, premises: Premises, request: Request, due: float) -> None:
        sent = time.perf_counter()
        headers = {"Cookie": request.cookie} if request.cookie else {}
        if request.method != "GET":
            # Not from the seed: another run with the same seed would be answered with this one's replies.
            headers["Idempotency-Key"] = secrets.token_hex(16)
        with self.client.request(
            request.method, request.path, name=name, json=request.body, headers=headers, catch_response=True
        ) as response:
            answered = time.perf_counter()
            outcome, answer = _outcome(response)
            row = Row(self._side, journey.module, name, due, sent, answered, outcome, response.status_code)
            response.request_meta["response_time"] = row.latency * 1000
            response.request_meta["context"] = {"row": row}
            if outcome == "ok":
                journey.learn(premises, request, answer)
            if outcome == "error":
                response.failure(f"status {response.status_code}")
            else:
                response.success()

    def _tell(self, request: Request, row: Row) -> None:
        """Of an arrival that was not sent."""
        self.environment.events.request.fire(
            request_type=request.method, name=row.journey, response_time=0, response_length=0,
            exception=LoadError("dropped: too many requests were under way"), context={"row": row},
        )  # fmt: skip


def _premises(host: str, description: Path, side: str) -> list[Premises]:
    businesses = [business for business in read_description(description).businesses if business.side == side]
    if not businesses:
        raise LoadError(f"{description} names no business owned by {side}: `make load` opens one")
    return [
        Premises(
            business,
            cookies=[signed_in(host, customer) for customer in business.customers],
            staff_cookie=signed_in(host, business.staff),
        )
        for business in businesses
    ]


def _outcome(response: Any) -> tuple[Outcome, Answer]:
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
