"""A small booking API in memory, for the generator: real HTTP, with planted delays and failures.

It offers the same slots on each day, and refuses a slot that is taken. A request is identified by the customer's cookie
or, for searches, by the day and the provider, so that tests can compare what two systems received.
"""

import json
import re
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from loadtests.generator.businesses import BusinessFile, Credentials, LoadBusiness

PROVIDERS = ["p1", "p2", "p3"]
CUSTOMERS = [Credentials(f"customer-{number}@example.test", "secret") for number in range(4)]
VISITOR = Credentials("visitor@example.test", "secret")
STAFF = Credentials("staff@example.test", "secret")


def business_file(*sides: str) -> BusinessFile:
    return BusinessFile([LoadBusiness("shop", side, "o1", PROVIDERS, STAFF, CUSTOMERS, [VISITOR]) for side in sides])


@dataclass
class BookingApi:
    """`delays` are seconds by the journey's last path segment (`slots`, `holds`, ...), `failing` those that answer 500.

    `received` are the requests after signing in, in the order of their arrival.
    """

    delays: Mapping[str, float] = field(default_factory=dict)
    failing: frozenset[str] = frozenset()
    received: list[tuple[str, str, str]] = field(default_factory=list)
    host: str = ""

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._taken: set[tuple[str, str]] = set()
        self._slots: dict[str, tuple[str, str]] = {}

    def answer(self, method: str, path: str, cookie: str, body: Mapping[str, Any]) -> tuple[int, object]:
        address = urlsplit(path)
        resource = address.path.rsplit("/", 1)[-1]
        time.sleep(self.delays.get(resource, 0.0))
        choice = address.query if resource == "slots" else f"{body.get('provider_id')} {body.get('starts_at')}"
        with self._lock:
            if resource != "login":
                self.received.append((resource, cookie, choice))
            if resource in self.failing:
                return 500, {}
            if resource == "slots":
                return 200, {"slots": self._free(parse_qs(address.query))}
            if resource in ("holds", "appointments"):
                return self._take(body)
            return 200, self._change(address.path, resource, body) if method == "POST" else {}

    def _free(self, query: Mapping[str, list[str]]) -> list[dict[str, str]]:
        day = query["start"][0][:10]
        every = [
            {"provider_id": provider, "starts_at": f"{day}T{hour:02}:{minute:02}:00Z"}
            for hour in range(8, 18)
            for minute in (0, 30)
            for provider in query.get("provider_id", PROVIDERS)
        ]
        return [slot for slot in every if (slot["provider_id"], slot["starts_at"]) not in self._taken]

    def _take(self, body: Mapping[str, Any]) -> tuple[int, object]:
        slot = (body["provider_id"], body["starts_at"])
        if slot in self._taken:
            return 409, {}
        self._taken.add(slot)
        name = f"a{len(self._slots)}"
        self._slots[name] = slot
        return 201, {"appointment_id": name, "provider_id": slot[0], "version": 1, "status": "booked"}

    def _change(self, path: str, resource: str, body: Mapping[str, Any]) -> object:
        found = re.search(r"/appointments/(\w+)/", path)
        if found is None:
            return {}
        name = found[1]
        if resource == "cancel":
            self._taken.discard(self._slots[name])
        return {"appointment_id": name, "provider_id": self._slots[name][0], "version": 2, "status": "booked"}


@contextmanager
def serving(api: BookingApi) -> Iterator[BookingApi]:
    """Serve within the block; `api.host` is the address."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def _respond(self) -> None:
            sent = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = json.loads(sent) if sent else {}
            status, answer = api.answer(self.command, self.path, self.headers.get("Cookie", ""), body)
            text = json.dumps(answer).encode()
            self.send_response(status)
            if self.path.endswith("/login"):
                self.send_header("Set-Cookie", f"session={body['email']}; Path=/")
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST = _respond

        def log_message(self, *_words: object) -> None:
            """Log no request."""

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 512

    with Server(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        api.host = f"http://127.0.0.1:{server.server_port}"
        yield api
        server.shutdown()
