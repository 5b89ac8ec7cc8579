"""Two web processes behind HAProxy are restarted one after the other under load: no request fails, no write is lost."""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import requests

from deploy.devstack.keys import load_keys
from deploy.devstack.ports import free_port
from deploy.devstack.program import Program, http_check
from tests.databases import Databases
from tests.deploy.proxy_process import Proxy, running_proxy
from tests.polling import eventually
from tests.site import sign_up_body

pytestmark = pytest.mark.tools

CLIENTS = 4
PAUSE_SECONDS = 0.25


def web(databases: Databases, folder: Path, public_url: str, port: int) -> Program:
    keys = load_keys(folder / "keys.json")
    environment = {
        "MONOLITH_DATABASE_URL": databases.monolith_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "SCHEDULING_SERVICE_URL": "http://127.0.0.1:1",
        "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        "METRICS_TOKEN": keys.metrics_token,
        "PUBLIC_URL": public_url,
        "TRUSTED_PROXIES": "127.0.0.1",
        "MONOLITH_PORT": str(port),
        "WEB_WORKERS": "1",
        "WEB_DRAIN_SECONDS": "5",
    }
    command = ["-m", "gunicorn", "-c", "python:deploy.gunicorn.monolith", "monolith.wsgi:app"]
    log, is_ready = folder / f"web-{port}.log", http_check(port, "/readyz")
    program = Program(f"web-{port}", command, environment, log=log, is_ready=is_ready)
    program.stop_seconds = 40.0
    return program


class Load:
    """Clients that read a page and create offerings, over a new connection each time, until they are stopped."""

    def __init__(self, proxy: Proxy) -> None:
        self.outcomes: Counter[str] = Counter()
        self._proxy = proxy
        self._owner = proxy.session()
        body, key = sign_up_body("rolling", "owner@rolling.example"), {"Idempotency-Key": "rolling"}
        signed_up = self._owner.post(f"{proxy.url}/api/v1/signup", json=body, headers=key, timeout=30)
        assert signed_up.status_code == 201, signed_up.text
        self._stopped = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(CLIENTS)]

    def __enter__(self) -> "Load":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for_requests(self, count: int) -> None:
        """Return after this many further requests."""
        goal = self.outcomes.total() + count
        eventually(lambda: self.outcomes.total() >= goal, f"{count} further requests")

    def _run(self) -> None:
        # The pause keeps the business below its maximum of 1,000 offerings.
        while not self._stopped.wait(PAUSE_SECONDS):
            with self._proxy.session() as session:
                session.cookies.update(self._owner.cookies)
                self._record("page", session.get, "/")
                body, key = {"name": "Massage", "duration_minutes": 30}, {"Idempotency-Key": str(uuid4())}
                self._record("write", session.post, "/api/v1/businesses/rolling/offerings", json=body, headers=key)

    def _record(self, kind: str, send: Callable[..., requests.Response], path: str, **options: Any) -> None:
        try:
            outcome = str(send(self._proxy.url + path, timeout=30, **options).status_code)
        except requests.RequestException as error:
            outcome = repr(error)
        self.outcomes[f"{kind} {outcome}"] += 1


@pytest.fixture
def balanced(tmp_path: Path, databases: Databases) -> Iterator[tuple[Proxy, list[Program]]]:
    """HAProxy, and the two servers behind it."""
    public_port, ports = free_port(), (free_port(), free_port())
    servers = [web(databases, tmp_path, f"https://127.0.0.1:{public_port}", port) for port in ports]
    # Both are on one machine, so each has a port of its own for health checks too.
    upstreams = "127.0.0.1:{0} port {0}\n    server web-2 127.0.0.1:{1} port {1}".format(*ports)
    with servers[0], servers[1], running_proxy("haproxy", tmp_path, upstreams, public_port) as proxy:
        yield proxy, servers


def test_no_request_fails_while_each_server_is_restarted(
    balanced: tuple[Proxy, list[Program]], databases: Databases
) -> None:
    proxy, servers = balanced
    with Load(proxy) as load:
        for server in servers:
            load.wait_for_requests(50)
            server.stop()
            load.wait_for_requests(50)
            server.start()
        load.wait_for_requests(50)
    assert set(load.outcomes) == {"page 200", "write 201"}, dict(load.outcomes)
    with psycopg.connect(databases.monolith_admin_url) as connection:
        stored = connection.execute("SELECT count(*) FROM scheduling.offering").fetchone()
    assert stored == (load.outcomes["write 201"],)
