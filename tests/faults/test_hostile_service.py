"""Malformed, excessive and hostile replies (faults 13 to 15, 39, 40)."""

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest

from contracts.scheduling import models as m
from contracts.scheduling.codec import MAX_REPLY_BYTES
from contracts.scheduling.errors import DeadlineExceeded, OutcomeUnknown, SchedulingError, Unavailable
from deploy.devstack.keys import Keys
from monolith.modules.scheduling.adapters.breaker import Breaker
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from tests.contract.port.shop import refused
from tests.faults.sample_calls import OFFERINGS, book, read
from tests.faults.scripted_server import CLOSE, RESET, Peer, Script, Step, answer, peer, problem

UNAVAILABLE = b'{"code": "unavailable", "detail": "busy", "retry_after": %s}'


@pytest.fixture
def calling(keys: Keys) -> "Calling":
    return Calling(keys)


class Calling:
    """Create the adapter under test."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys

    @contextmanager
    def __call__(self, script: Script, breaker: Breaker | None = None) -> Iterator[tuple[HttpScheduling, Peer]]:
        with peer(script) as other:
            port = HttpScheduling(other.url, signer_from(self._keys.signing_key), breaker=breaker)
            yield port, other
            port.close()


HOSTILE: dict[str, list[Step]] = {
    "a redirect": [answer("302 Found", b"", "Location: http://127.0.0.1:1/")],
    "a page": [answer("200 OK", b"<html>", content_type="text/html")],
    "not JSON": [answer("201 Created", b"nonsense")],
    "another model": [answer("201 Created", b'{"offerings": []}')],
    "the wrong status": [answer("202 Accepted", b"{}")],
    "no content": [b"HTTP/1.1 204 No Content\r\n\r\n"],
    "an error not of the contract": [problem("418 Teapot", b'{"code": "teapot", "detail": "short and stout"}')],
    "an error whose status contradicts it": [problem("500 No", b'{"code": "slot_unavailable", "detail": ""}')],
    "an error without its members": [problem("409 Conflict", b'{"code": "slot_unavailable", "detail": "taken"}')],
    "a balancer's 502": [answer("502 Bad Gateway", b"<html>", content_type="text/html")],
    "more than the cap, announced": [answer("201 Created", b" " * (MAX_REPLY_BYTES + 1)), CLOSE],
    "more than the cap, in chunks": [
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
        *[b"100000\r\n" + b" " * 0x100000 + b"\r\n"] * 5,
        b"0\r\n\r\n",
    ],
    "chunks without an end": [
        b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n",
        CLOSE,
    ],
    "no length": [b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\n\r\n{}", CLOSE],
    "a length that is too long": [answer("201 Created", b"{}")[:-1], CLOSE],
    "compression": [answer("201 Created", b"\x1f\x8b", "Content-Encoding: gzip")],
    "not HTTP": [b"SSH-2.0-OpenSSH_9.9\r\n", CLOSE],
    "an endless header": [b"HTTP/1.1 201 Created\r\nX: " + b"x" * 70_000 + b"\r\n\r\n", CLOSE],
    "too many headers": [b"HTTP/1.1 201 Created\r\n" + b"X: x\r\n" * 200 + b"\r\n", CLOSE],
    "nothing": [CLOSE],
    "a reset": [RESET],
}


@pytest.mark.row("F7", "H39", "H40")
@pytest.mark.parametrize("steps", HOSTILE.values(), ids=HOSTILE)
def test_malformed_reply_makes_a_write_unknown_and_a_read_unavailable(calling: Calling, steps: list[Step]) -> None:
    with calling(lambda _: steps) as (port, other):
        with refused(OutcomeUnknown):
            book(port, "one-key")
        assert {header(request, b"idempotency-key") for request in other.requests} == {b"one-key"}
        assert 1 < len(other.requests) <= 3
    with calling(lambda _: steps) as (port, _), refused(Unavailable):
        read(port)


@pytest.mark.parametrize("steps", ["more than the cap, announced", "more than the cap, in chunks"])
def test_over_large_replies_do_not_open_the_breaker(calling: Calling, steps: str) -> None:
    breaker = Breaker(row=2)
    with calling(lambda _: HOSTILE[steps], breaker) as (port, other):
        for _ in range(4):
            with refused(Unavailable):
                read(port)
        assert len(other.requests) == 4, "each read was sent, and none was repeated"
    assert not breaker.is_open()


def test_chunked_reply_is_accepted(calling: Calling) -> None:
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    with calling(lambda _: [head + b'8\r\n{"offeri\r\n', b'9\r\nngs": []}\r\n0\r\n\r\n']) as (port, _):
        assert read(port) == m.Offerings(offerings=())


@pytest.mark.row("F10")
@pytest.mark.parametrize("where", ["status line", "headers", "body", "chunks"])
def test_dripping_reply_does_not_outlast_the_deadline(calling: Calling, where: str) -> None:
    begins = {
        "status line": b"HTTP/1.1",
        "headers": b"HTTP/1.1 201 Created\r\nX: ",
        "body": answer("201 Created", b" " * 100)[:-99],
        "chunks": b"HTTP/1.1 201 Created\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
    }
    drip: list[Step] = [0.02, b"1"]
    with calling(lambda _: [begins[where], *drip * 100]) as (port, _):
        began = time.monotonic()
        with refused(OutcomeUnknown):
            book(port, seconds=0.4)
        assert time.monotonic() - began < 1.0


def test_unaccepted_connection_fails_in_time(keys: Keys) -> None:
    with deaf_host() as url:
        port = HttpScheduling(url, signer_from(keys.signing_key))
        began = time.monotonic()
        with refused(DeadlineExceeded):
            book(port, seconds=0.4)
        assert time.monotonic() - began < 1.0


def test_refused_retry_leaves_the_outcome_of_the_first_attempt_unknown(calling: Calling) -> None:
    left: list[Peer] = []

    def once(_: int) -> list[Step]:
        left[0].leave()
        return [RESET]

    with calling(once) as (port, other):
        left.append(other)
        with refused(OutcomeUnknown):
            book(port)


def test_decision_after_a_lost_reply_is_returned(calling: Calling) -> None:
    taken = problem("409 Conflict", b'{"code": "slot_unavailable", "detail": "taken", "reason": "taken"}')
    with calling(lambda n: [RESET] if n == 0 else [taken]) as (port, _), pytest.raises(SchedulingError) as caught:
        book(port)
    assert caught.value.code == "slot_unavailable"


@pytest.mark.parametrize(
    "second",
    [
        problem("421 Misdirected", b'{"code": "not_owner", "detail": "moved", "owner": "in_process", "epoch": 2}'),
        problem("504 Timeout", b'{"code": "deadline_exceeded", "detail": "late"}'),
        problem("401 Unauthorized", b'{"code": "unauthenticated", "detail": "expired"}'),
        problem("503 Unavailable", UNAVAILABLE % b"60"),
        problem("409 Conflict", b'{"code": "key_in_progress", "detail": "wait"}'),
    ],
    ids=["moved", "late", "token", "busy", "in progress"],
)
def test_only_a_decision_settles_a_lost_reply(calling: Calling, second: bytes) -> None:
    with calling(lambda n: [RESET] if n == 0 else [second]) as (port, _), refused(OutcomeUnknown):
        book(port)


def test_reply_to_a_repeated_request_does_not_settle_the_one_on_a_lost_connection(calling: Calling) -> None:
    """A process that died with a request looks like an idle connection that was closed."""
    late = problem("504 Timeout", b'{"code": "deadline_exceeded", "detail": "late"}')
    script: list[list[Step]] = [[OFFERINGS], [CLOSE], [late]]
    with calling(lambda n: script[n]) as (port, other):
        read(port)
        with refused(OutcomeUnknown):
            book(port)
    assert len(other.requests) == 3


def test_rejected_service_token_does_not_sign_users_out(calling: Calling) -> None:
    refusal = problem("401 Unauthorized", b'{"code": "unauthenticated", "detail": "expired"}')
    with calling(lambda _: [refusal]) as (port, other), refused(Unavailable):
        read(port)
    assert len(other.requests) == 1


@pytest.mark.row("F15")
def test_retry_after_is_honoured(calling: Calling) -> None:
    busy = problem("503 Unavailable", UNAVAILABLE % b"0.3")
    with calling(lambda n: [OFFERINGS if n else busy]) as (port, other):
        assert read(port) == m.Offerings(offerings=())
    assert other.times[1] - other.times[0] >= 0.3


@pytest.mark.row("F15")
def test_retry_after_beyond_the_deadline_is_passed_on_immediately(calling: Calling) -> None:
    with calling(lambda _: [problem("503 Unavailable", UNAVAILABLE % b"30")]) as (port, other):
        began = time.monotonic()
        with refused(Unavailable, retry_after=30.0):
            read(port)
        assert time.monotonic() - began < 1.0
    assert len(other.requests) == 1


@pytest.mark.row("F15")
def test_retries_stay_below_a_tenth_of_the_calls(calling: Calling) -> None:
    calls = 150
    with calling(lambda _: [problem("503 Unavailable", UNAVAILABLE % b"0")]) as (port, other):
        for _ in range(calls):
            with refused(Unavailable):
                read(port)
    assert calls < len(other.requests) < 1.1 * calls


def test_closed_idle_connection_costs_no_retry(calling: Calling) -> None:
    """Every second request finds its connection closed, which exceeds the retry budget many times over."""
    with calling(lambda n: [CLOSE] if n % 2 else [OFFERINGS]) as (port, other):
        for _ in range(40):
            assert read(port) == m.Offerings(offerings=())
    assert len(other.requests) > 70


@pytest.mark.row("F14")
def test_conflicts_leave_the_breaker_closed(calling: Calling) -> None:
    taken = problem("409 Conflict", b'{"code": "slot_unavailable", "detail": "taken", "reason": "taken"}')
    breaker = Breaker()
    with calling(lambda _: [taken], breaker) as (port, other):
        for _ in range(50):
            with pytest.raises(SchedulingError):
                book(port)
    assert len(other.requests) == 50
    assert not breaker.is_open()


@pytest.mark.row("F13")
def test_half_open_breaker_sends_one_probe_under_concurrency(calling: Calling) -> None:
    herd, breaker = 16, Breaker(row=2, cooldown=0.2)
    with calling(lambda n: [RESET] if n < 2 else [0.3, OFFERINGS], breaker) as (port, other):
        with refused(Unavailable):
            read(port)
        assert breaker.is_open()
        failed = len(other.requests)
        time.sleep(0.25)
        gate = threading.Barrier(herd)

        def one(_: int) -> bool:
            gate.wait()
            try:
                read(port)
            except Unavailable:
                return False
            return True

        with ThreadPoolExecutor(herd) as threads:
            answered = sum(threads.map(one, range(herd)))
        assert (answered, len(other.requests) - failed) == (1, 1)
        assert not breaker.is_open()


def test_service_receives_slightly_less_time_than_remains(calling: Calling) -> None:
    with calling(lambda _: [OFFERINGS]) as (port, other):
        read(port, seconds=1)
        read(port, seconds=60)
    told = [int(header(request, b"time-left-ms")) for request in other.requests]
    assert 800 < told[0] < 1000
    assert 1800 < told[1] < 2000, "never more than the operation's budget"


@contextmanager
def deaf_host() -> Iterator[str]:
    """A listener with a full backlog, so that the kernel leaves further connections pending."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        address = listener.getsockname()
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(address)
        time.sleep(0.05)
        yield f"http://127.0.0.1:{address[1]}"
        for each in waiting:
            each.close()


def header(request: bytes, name: bytes) -> bytes:
    lines = request.partition(b"\r\n\r\n")[0].split(b"\r\n")[1:]
    fields = {line.partition(b":")[0].lower(): line.partition(b":")[2].strip() for line in lines}
    return fields[name]
