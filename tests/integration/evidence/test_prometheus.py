"""Responses of a Prometheus server (version 2.42) over a real socket: usage, or a one-line error with the remedy."""

import json
from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest

from deploy.errors import CommandError
from loadtests.evidence.prometheus import query_prometheus
from loadtests.evidence.window import build_window
from tests.faults.scripted_server import Peer, answer, peer

SHOP = {"job": "shop", "module": "orders"}


def series(name: str, instance: str, values: list[tuple[float, float]], **labels: str) -> dict[str, object]:
    about = {"__name__": name, "instance": instance, **SHOP, **labels}
    return {"metric": about, "values": [[at, f"{value:g}"] for at, value in values]}


def success(*found: dict[str, object]) -> bytes:
    body = {"status": "success", "data": {"resultType": "matrix", "result": list(found)}}
    return answer("200 OK", json.dumps(body).encode())


def failure(status: str, kind: str, words: str) -> bytes:
    return answer(status, json.dumps({"status": "error", "errorType": kind, "error": words}).encode())


def test_instances_are_added_up_despite_counter_resets() -> None:
    steady = series("shop_http_request_seconds_count", "a:80", [(0.0, 100.0), (10.0, 150.0), (20.0, 200.0)])
    restarted = series("shop_http_request_seconds_count", "b:80", [(0.0, 900.0), (10.0, 950.0), (20.0, 50.0)])
    with peer(lambda _: [success(steady, restarted)]) as server:
        window = build_window(query_prometheus(f"{server.url}/", "5m", 'job="shop"', token="known"))
    assert window.modules["orders"].requests == pytest.approx(10.0)
    [request] = server.requests
    assert b"Authorization: Bearer known" in request
    asked = parse_qs(urlsplit(request.split()[1].decode()).query)["query"][0]
    assert asked.endswith(',job="shop"}[5m]')


@pytest.mark.parametrize(
    "reply, message",
    [
        (
            success(),
            'none of the series with job="shop" in the last 5m: .* longer --window; otherwise check at .*/targets',
        ),
        (
            failure("400 Bad Request", "bad_data", "parse\nerror"),
            r"the format of --window is 5m, .*\(message: parse error\)",
        ),
        (failure("422 Unprocessable Entity", "execution", "too many samples"), "shorter --window .*too many samples"),
        (answer("503 Service Unavailable", b"Service Unavailable", content_type="text/plain"), "try again later"),
        (answer("401 Unauthorized", b"Unauthorized", content_type="text/plain"), "give the token with --token"),
        (answer("404 Not Found", b"404 page not found", content_type="text/plain"), "such as http://127.0.0.1:9090"),
        (answer("200 OK", b"<!doctype html>", content_type="text/html"), "such as http://127.0.0.1:9090"),
        (answer("200 OK", b'{"status": "success", "data": {"result": [{}]}}'), "such as http://127.0.0.1:9090"),
    ],
    ids=["nothing", "bad query", "too much", "not ready", "no token", "wrong path", "another web", "another shape"],
)
def test_errors_are_one_line_with_the_remedy(reply: bytes, message: str) -> None:
    with peer(lambda _: [reply]) as server, pytest.raises(CommandError, match=message) as error:
        query_prometheus(server.url, "5m", 'job="shop"')
    assert "\n" not in str(error.value)


def test_wrong_token_is_reported() -> None:
    reply = answer("403 Forbidden", b"", content_type="text/plain")
    with peer(lambda _: [reply]) as server, pytest.raises(CommandError, match="does not accept the token"):
        query_prometheus(server.url, "5m", token="wrong")


@pytest.mark.parametrize(
    "url_of, message",
    [
        (lambda server: server.url, "is it running"),
        (lambda server: server.url.partition("//")[2], "not a complete URL"),
    ],
    ids=["not running", "no scheme"],
)
def test_unreachable_address_is_reported(url_of: Callable[[Peer], str], message: str) -> None:
    with peer(lambda _: []) as server:
        server.leave()
        with pytest.raises(CommandError, match=message):
            query_prometheus(url_of(server), "5m")
