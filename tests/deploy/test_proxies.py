"""The proxy files, each run in front of the real web process and of an upstream that shows what it receives."""

import http.client
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from contracts.chassis.http_constants import MAX_REQUEST_BYTES
from deploy.devstack.ports import free_port
from tests.databases import fresh_databases
from tests.deploy.echo_server import Echo, echo_server
from tests.deploy.proxy_process import CONFIGURE, Proxy, running_proxy
from tests.gunicorn_site import gunicorn_site
from tests.polling import eventually
from tests.servers import Servers
from tests.site import sign_up_body

pytestmark = pytest.mark.tools


@pytest.fixture(scope="module")
def public_port() -> int:
    return free_port()


@pytest.fixture(scope="module")
def web(servers: Servers, public_port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The monolith, configured to be reached through a proxy on `public_port`. Yields its own address."""
    public = {"PUBLIC_URL": f"https://127.0.0.1:{public_port}", "TRUSTED_PROXIES": "127.0.0.1"}
    folder = tmp_path_factory.mktemp("web")
    with fresh_databases(servers) as databases, gunicorn_site(databases, folder, **public) as site:
        yield site.url


@pytest.fixture(params=CONFIGURE)
def proxy(request: pytest.FixtureRequest, web: str, public_port: int, tmp_path: Path) -> Iterator[Proxy]:
    with running_proxy(request.param, tmp_path, web, public_port) as proxy:
        yield proxy


@pytest.fixture(params=CONFIGURE)
def showing(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[tuple[Proxy, Echo]]:
    """A proxy in front of the upstream that shows what it receives."""
    with echo_server() as echo, running_proxy(request.param, tmp_path, echo.url) as proxy:
        yield proxy, echo


def test_the_product_is_used_through_the_proxy(proxy: Proxy) -> None:
    session = proxy.session()
    assert "<title>" in session.get(f"{proxy.url}/", timeout=10).text
    plain = session.get(f"{proxy.plain_url}/b/salon?day=1", allow_redirects=False, timeout=10)
    assert (plain.status_code, plain.headers["Location"].endswith("/b/salon?day=1")) == (308, True)
    assert plain.headers["Location"].startswith("https://127.0.0.1")

    slug = f"behind-{proxy.folder.name[-6:].strip('_').lower().replace('_', '-')}"
    signed_up = session.post(
        f"{proxy.url}/api/v1/signup",
        json=sign_up_body(slug, f"owner@{slug}.example"),
        headers={"Idempotency-Key": slug, "Origin": proxy.url},
        timeout=30,
    )
    assert signed_up.status_code == 201, signed_up.text
    assert "; Secure" in signed_up.headers["Set-Cookie"]

    for path in ("/healthz", "/readyz", "/metrics", "/%72eadyz", "//metrics"):
        assert raw_status(proxy, "GET", path) in (404, 308), path
    oversized = b"x" * (MAX_REQUEST_BYTES + 1)
    assert eventually(lambda: raw_status(proxy, "POST", "/api/v1/login", oversized), "an answer") == 413


def test_the_upstream_receives_the_address_of_the_client_and_streams_pass(showing: tuple[Proxy, Echo]) -> None:
    proxy, echo = showing
    forged = {"X-Forwarded-For": "203.0.113.7", "X-Forwarded-Proto": "http"}
    received = proxy.session().get(f"{proxy.url}/", headers=forged, timeout=10).json()
    assert received["x-forwarded-for"] == "127.0.0.1"
    assert received["x-forwarded-proto"] == "https"
    assert received["host"] == f"127.0.0.1:{proxy.port}"

    with proxy.session().get(f"{proxy.url}/events", stream=True, timeout=10) as response:
        events = response.iter_lines(chunk_size=1)
        assert next(events) == b"data: first"
        echo.proceed.set()
        assert [line for line in events if line] == [b"data: second"]


@pytest.mark.parametrize("kind", ["haproxy", "nginx"])
def test_access_logs_contain_no_query(kind: str, tmp_path: Path) -> None:
    with echo_server() as echo, running_proxy(kind, tmp_path, echo.url) as proxy:
        for url in (proxy.url, proxy.plain_url):
            proxy.session().get(f"{url}/manage?token=a-secret", allow_redirects=False, timeout=10)
        eventually(lambda: "GET /manage" in proxy.logged(), "the line of the request")
        assert "a-secret" not in proxy.logged()


def raw_status(proxy: Proxy, method: str, path: str, body: bytes | None = None) -> int:
    """Send the path as it is, which an HTTP library would normalise. Returns the status.

    Returns 0 if the proxy closed the connection while the body was still being sent, before its answer was read.
    """
    context = ssl.create_default_context(cafile=str(proxy.certificate))
    connection = http.client.HTTPSConnection("127.0.0.1", proxy.port, context=context, timeout=10)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        return connection.getresponse().status
    except OSError:
        return 0
    finally:
        connection.close()
