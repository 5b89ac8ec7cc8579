"""Malformed HTTP on the socket: size limits and request smuggling, as gunicorn and the application refuse them."""

from collections.abc import Iterator

import pytest

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from tests.databases import fresh_databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.polling import eventually
from tests.servers import Servers
from tests.site import METRICS_TOKEN


@pytest.fixture(scope="module")
def site(servers: Servers, tmp_path_factory: pytest.TempPathFactory) -> Iterator[GunicornSite]:
    with (
        fresh_databases(servers) as databases,
        gunicorn_site(databases, tmp_path_factory.mktemp("gunicorn")) as site,
    ):
        yield site


def head(site: GunicornSite, *headers: str, method: str = "POST", path: str = "/api/v1/login") -> bytes:
    lines = [f"{method} {path} HTTP/1.1", f"Host: {site.host}", "Content-Type: application/json", *headers]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


@pytest.mark.row("H29", "H31")
def test_ambiguous_or_forged_requests_are_refused(site: GunicornSite) -> None:
    chunks = b"2\r\n{}\r\n0\r\n\r\n"
    get = "GET /api/v1/businesses/salon HTTP/1.1\r\n"
    refused = {
        "both lengths": head(site, "Transfer-Encoding: chunked", "Content-Length: 2") + chunks,
        "two hosts": f"{get}Host: {site.host}\r\nHost: evil.example\r\n\r\n".encode(),
        "a forged host": f"{get}Host: evil.example\r\n\r\n".encode(),
        "no host": f"{get}\r\n".encode(),
        "NUL in a header": head(site, "X-Note: a\x00b", "Content-Length: 2") + b"{}",
        "a negative length": head(site, "Content-Length: -1") + b"{}",
        "a folded header": f"{get}Host: {site.host}\r\nX-Note: a\r\n b\r\n\r\n".encode(),
    }
    answers = {name: site.send_raw(request) for name, request in refused.items()}
    assert {name: status for name, (status, _) in answers.items()} == dict.fromkeys(refused, 400)
    assert [name for name, (_, answer) in answers.items() if b"application/problem+json" not in answer] == []


@pytest.mark.row("H30")
def test_oversized_headers_are_refused(site: GunicornSite) -> None:
    assert site.send_raw(head(site, "X-Long: " + "x" * 9_000, "Content-Length: 2") + b"{}")[0] == 431
    status, answer = site.send_raw(head(site, path="/api/v1/me?x=" + "x" * 5_000))
    assert (status, b'"code":"uri_too_long"' in answer) == (414, True)
    many = [f"X-Header-{n}: x" for n in range(60)]
    assert site.send_raw(head(site, *many, "Content-Length: 2") + b"{}")[0] in (400, 431)


@pytest.mark.row("H25")
def test_oversized_body_is_refused_plain_and_chunked(site: GunicornSite) -> None:
    over = b'{"email": "' + b"x" * MAX_REQUEST_BYTES + b'"}'
    status, answer = site.send_raw(head(site, f"Content-Length: {len(over)}") + over)
    assert (status, b"body_too_large" in answer) == (413, True)
    chunk = b"1000\r\n" + b"x" * 0x1000 + b"\r\n"
    status, answer = site.send_raw(head(site, "Transfer-Encoding: chunked") + chunk * 17 + b"0\r\n\r\n")
    assert (status, b"body_too_large" in answer) == (413, True)


def test_chunked_body_within_the_limit_is_read(site: GunicornSite) -> None:
    body = b'{"email": "a@b.example", "password": "' + b"x" * 300 + b'"}'
    chunked = f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    status, answer = site.send_raw(head(site, "Transfer-Encoding: chunked") + chunked)
    assert (status, b'"field":"password"' in answer) == (400, True)


@pytest.mark.row("H33")
def test_request_cannot_forge_a_log_line(site: GunicornSite) -> None:
    path = "/api/v1/businesses/salon%0d%0a%7b%22forged%22:true%7d"
    assert site.send_raw(head(site, method="GET", path=path))[0] == 404
    lines = eventually(
        lambda: [line for line in site.log.read_text().splitlines() if "forged" in line], "its line in the log", 5
    )
    assert [line.startswith('{"ts"') for line in lines] == [True]


def test_metrics_sum_all_workers(site: GunicornSite) -> None:
    """No other test of this module requests /me anonymously."""
    for _ in range(20):
        site.client().get("/me")
    token = {"Authorization": f"Bearer {METRICS_TOKEN}"}
    exposition = site.client().session.get(f"{site.url}/metrics", headers=token, timeout=5)
    count = 'monolith_http_request_seconds_count{endpoint="me",module="auth",status="401"} 20.0'
    assert count in exposition.text


def test_sign_up_and_sign_in_work_under_gunicorn(site: GunicornSite) -> None:
    client = site.client()
    assert client.sign_up("salon").status_code == 201
    assert client.get("/me").json()["memberships"][0]["business"]["slug"] == "salon"
    assert site.client().log_in("owner@salon.example").status_code == 200
