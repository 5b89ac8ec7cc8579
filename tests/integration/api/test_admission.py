"""Admission under gunicorn: slow clients hold no thread, excess load is refused early, and health is separate."""

import contextlib
import http.client
import re
import resource
import socket
import threading
import time
from collections.abc import Iterator
from urllib.parse import urlencode

import pytest

from deploy.devstack.ports import free_port
from loadtests.harness.tenants import ROUND_THE_CLOCK, open_tenant
from tests.databases import fresh_databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.polling import eventually
from tests.servers import Servers
from tests.site import METRICS_TOKEN

THREADS = 4


@pytest.fixture(scope="module")
def health_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def crowded(servers: Servers, health_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GunicornSite]:
    """A site with one process of four threads."""
    settings = {"WEB_WORKERS": "1", "WEB_THREADS": str(THREADS), "WEB_HEALTH_PORT": str(health_port)}
    folder = tmp_path_factory.mktemp("crowded")
    with fresh_databases(servers) as databases, gunicorn_site(databases, folder, **settings) as site:
        yield site


@contextlib.contextmanager
def connections(site: GunicornSite, number: int) -> Iterator[list[socket.socket]]:
    with contextlib.ExitStack() as stack:
        yield [stack.enter_context(socket.create_connection(("127.0.0.1", site.port), 5)) for _ in range(number)]


def status(port: int, path: str, timeout: float = 5) -> int:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=timeout)
    with contextlib.closing(connection):
        connection.request("GET", path)
        return connection.getresponse().status


INCOMPLETE = {
    "nothing": b"",
    "half a request line": b"GET /",
    "headers without an end": b"GET / HTTP/1.1\r\nHost: x\r\nX-Slow: ",
    "half a body": b"POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    b"Content-Length: 60000\r\n\r\n" + b" " * 20_000,
}


@pytest.mark.parametrize("sent", INCOMPLETE.values(), ids=INCOMPLETE)
def test_incomplete_requests_hold_no_thread(crowded: GunicornSite, sent: bytes) -> None:
    with connections(crowded, 10 * THREADS) as slow:
        for each in slow:
            each.sendall(sent)
        assert status(crowded.port, "/") == 200


def test_clients_that_do_not_read_hold_no_thread(crowded: GunicornSite) -> None:
    request = f"GET /api/v1/openapi.json HTTP/1.1\r\nHost: {crowded.host}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        for _ in range(4 * THREADS):
            slow = stack.enter_context(socket.socket())
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            slow.connect(("127.0.0.1", crowded.port))
            slow.sendall(request)
        assert [status(crowded.port, "/") for _ in range(4)] == [200] * 4


def test_clients_that_read_a_long_response_slowly_hold_no_thread_and_receive_all_of_it(crowded: GunicornSite) -> None:
    other, attacked = (open_tenant(crowded.port, 4, ROUND_THE_CLOCK) for _ in range(2))
    window = {"start": "2035-03-05T00:00:00Z", "end": "2035-05-05T00:00:00Z"}
    path = f"/api/v1{attacked.path}/slots?{urlencode({'offering_id': attacked.offering_id, **window})}"
    request = f"GET {path} HTTP/1.1\r\nHost: {crowded.host}\r\n\r\n".encode()
    with contextlib.ExitStack() as stack:
        slow = [stack.enter_context(slow_reader(crowded.port)) for _ in range(2 * THREADS)]
        for each in slow:
            each.sendall(request)
            assert each.recv(12) == b"HTTP/1.1 200"
        assert status(crowded.port, f"/api/v1{other.path}/slots/next?offering_id={other.offering_id}") == 200
        lengths = [length_of_response(each) for each in slow]
        assert min(lengths) > 2_000_000, "longer than the send buffer"
        slow[0].sendall(request.replace(path.encode(), b"/healthz"))
        assert slow[0].recv(12) == b"HTTP/1.1 200", "the connection stays open"


def slow_reader(port: int) -> socket.socket:
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(10)
    connection.connect(("127.0.0.1", port))
    return connection


def length_of_response(connection: socket.socket) -> int:
    """Read the rest of a response, and return the length of its body."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    found = re.search(rb"(?i)content-length: (\d+)", head)
    assert found is not None
    left = int(found[1]) - len(body)
    while left:
        left -= len(connection.recv(min(left, 65_536)))
    return int(found[1])


def test_clients_that_do_not_close_their_end_delay_no_one(crowded: GunicornSite) -> None:
    request = f"GET /healthz HTTP/1.1\r\nHost: {crowded.host}\r\nConnection: close\r\n\r\n".encode()
    with connections(crowded, 10) as slow:
        for each in slow:
            each.sendall(request)
        assert {each.recv(12) for each in slow} == {b"HTTP/1.1 200"}
        assert status(crowded.port, "/", timeout=2) == 200


def test_request_in_pieces_is_served(crowded: GunicornSite) -> None:
    body = b'{"email": "nobody@example.com", "password": "wrong-password"}'
    request = (
        f"POST /api/v1/login HTTP/1.1\r\nHost: {crowded.host}\r\nContent-Type: application/json\r\n"
        f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    ).encode() + body
    with connections(crowded, 1) as (connection,):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for begin in range(0, len(request), 20):
            connection.sendall(request[begin : begin + 20])
            time.sleep(0.002)
        assert connection.recv(12) == b"HTTP/1.1 401"


def test_pipelined_requests_are_both_served(crowded: GunicornSite) -> None:
    request = f"GET /healthz HTTP/1.1\r\nHost: {crowded.host}\r\n\r\n".encode()
    last = request.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n")
    assert crowded.send_raw(request + last)[1].count(b"HTTP/1.1 200") == 2


def test_more_connections_than_a_process_accepts_give_way_to_new_ones(crowded: GunicornSite) -> None:
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    try:
        with connections(crowded, 1_100):
            assert status(crowded.port, "/") == 200
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, files)


def test_connection_that_ends_early_is_forgotten(crowded: GunicornSite) -> None:
    for _ in range(20):
        with connections(crowded, 5) as gone:
            for each in gone:
                each.sendall(b"GET /")
    assert status(crowded.port, "/") == 200


def test_urgent_data_does_not_make_a_request_complete(crowded: GunicornSite) -> None:
    head = f"POST /api/v1/login HTTP/1.1\r\nHost: {crowded.host}\r\nContent-Type: application/json\r\n"
    with connections(crowded, 4 * THREADS) as urgent:
        for each in urgent:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.sendall(f"{head}Content-Length: 20\r\n\r\n".encode() + b"     ")
        time.sleep(0.05)
        for each in urgent:
            each.send(b"!", socket.MSG_OOB)
            each.sendall(b" " * 13)
        assert [status(crowded.port, "/") for _ in range(4)] == [200] * 4
        for each in urgent:
            each.sendall(b"x")
            assert each.recv(12) == b"HTTP/1.1 400", "the urgent byte is one of the body"


def test_bodies_in_small_segments_do_not_hold_all_threads(crowded: GunicornSite) -> None:
    """They fill the buffer of a socket early, and the system reports it as readable."""
    head = f"POST /api/v1/login HTTP/1.1\r\nHost: {crowded.host}\r\nContent-Type: application/json\r\n"
    with connections(crowded, 4 * THREADS) as slow:
        for each in slow:
            each.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.sendall(f"{head}Content-Length: 60000\r\n\r\n".encode())
        for _ in range(40_000 // 16):
            for each in slow:
                with contextlib.suppress(BlockingIOError):
                    each.send(b" " * 16, socket.MSG_DONTWAIT)
        assert [status(crowded.port, "/") for _ in range(4)] == [200] * 4


def test_streamed_bodies_that_never_end_take_no_places_of_the_business_that_they_name(crowded: GunicornSite) -> None:
    attacked, other = (open_tenant(crowded.port, 1, ROUND_THE_CLOCK) for _ in range(2))
    held = Occupied(crowded, 2 * THREADS, "Transfer-Encoding: chunked", f"/api/v1{attacked.path}/slots")
    try:
        for tenant in (other, attacked) * 3:
            assert status(crowded.port, f"/api/v1{tenant.path}/slots/next?offering_id={tenant.offering_id}") == 200
    finally:
        held.release()


def test_streamed_body_has_a_time_limit_however_it_drips(crowded: GunicornSite) -> None:
    with connections(crowded, 1) as (slow,):
        slow.sendall(
            f"POST /api/v1/login HTTP/1.1\r\nHost: {crowded.host}\r\nContent-Type: application/json\r\n"
            "Transfer-Encoding: chunked\r\n\r\n".encode()
        )
        slow.settimeout(0.5)
        for _ in range(40):
            slow.sendall(b"1\r\n \r\n")
            with contextlib.suppress(TimeoutError):
                assert slow.recv(12) == b"HTTP/1.1 400"
                return
        raise AssertionError("still read after 20 s")


class Occupied:
    """Streamed requests that hold threads until they are released."""

    def __init__(self, site: GunicornSite, number: int, length: str, path: str = "/api/v1/login") -> None:
        self._held = [socket.create_connection(("127.0.0.1", site.port), 5) for _ in range(number)]
        for each in self._held:
            each.sendall(
                f"POST {path} HTTP/1.1\r\nHost: {site.host}\r\nContent-Type: application/json\r\n"
                f"{length}\r\n\r\n1\r\n{{\r\n".encode()
            )

    def release(self) -> None:
        for each in self._held:
            each.close()


@pytest.mark.parametrize("length", ["Transfer-Encoding: chunked", "Content-Length: 0000000100"])
def test_bodies_that_cannot_be_awaited_do_not_hold_all_threads(crowded: GunicornSite, length: str) -> None:
    held = Occupied(crowded, 4 * THREADS, length)
    try:
        assert [status(crowded.port, "/") for _ in range(3)] == [200] * 3
    finally:
        held.release()


def test_standing_queue_is_refused_with_jitter_and_the_connection_survives(
    crowded: GunicornSite, health_port: int
) -> None:
    """Sign-ins hash passwords, which takes long, so many at once are more than the server can do."""
    answers: list[tuple[int, str]] = []
    over = threading.Event()

    def keep_signing_in(number: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", crowded.port, timeout=30)
        with contextlib.closing(connection):
            attempt = 0
            while not over.is_set():
                attempt += 1
                body = f'{{"email": "{number}-{attempt}@example.com", "password": "a-wrong-password"}}'
                path = "/api/v1/login" if number % 2 else "/b/nowhere"
                connection.request("POST", path, body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                response.read()
                answers.append((response.status, response.getheader("Retry-After", "")))

    clients = [threading.Thread(target=keep_signing_in, args=(number,)) for number in range(60)]
    for each in clients:
        each.start()
    try:
        eventually(lambda: len([each for each in answers if each[0] == 503]) > 50, "refusals", seconds=20)
        assert status(health_port, "/healthz", timeout=2) == 200
        assert status(health_port, "/readyz", timeout=2) == 200
    finally:
        over.set()
        for each in clients:
            each.join()
    waits = {int(retry_after) for code, retry_after in answers if code == 503}
    assert waits == {1, 2, 3}
    metrics = crowded.client().session.get(
        f"{crowded.url}/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}, timeout=5
    )
    assert re.search(r'^monolith_http_refused_total\{priority="\w+"\} [1-9]', metrics.text, re.MULTILINE)


def test_health_listener_has_only_health_checks(crowded: GunicornSite, health_port: int) -> None:
    assert [status(health_port, path) for path in ("/healthz", "/readyz", "/", "/metrics")] == [200, 200, 404, 404]
