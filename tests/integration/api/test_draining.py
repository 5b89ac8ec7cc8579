"""A web server that is told to stop turns its readiness off first, and still serves."""

import os
import signal
from pathlib import Path

import pytest
import requests

from tests.databases import Databases
from tests.gunicorn_site import GunicornSite, gunicorn_site
from tests.polling import eventually


def status(site: GunicornSite, path: str) -> int:
    """Return the status; 0 once the server refuses connections."""
    try:
        return requests.get(site.url + path, timeout=5).status_code
    except requests.ConnectionError:
        return 0


@pytest.mark.row("F45")
def test_a_draining_server_serves_but_is_not_ready(databases: Databases, tmp_path: Path) -> None:
    with gunicorn_site(databases, tmp_path, WEB_DRAIN_SECONDS="300") as site:
        assert (status(site, "/readyz"), status(site, "/")) == (200, 200)
        os.kill(site.pid, signal.SIGTERM)
        eventually(lambda: status(site, "/readyz") == 503, "the end of readiness")
        # Every worker: each of the probes goes to either of the two.
        for _ in range(10):
            assert (status(site, "/readyz"), status(site, "/healthz"), status(site, "/")) == (503, 200, 200)
        # The fixture's second SIGTERM stops it, although 300 seconds have not passed.
    assert status(site, "/") == 0


def test_a_server_stops_by_itself_after_draining(databases: Databases, tmp_path: Path) -> None:
    with gunicorn_site(databases, tmp_path, WEB_DRAIN_SECONDS="1") as site:
        os.kill(site.pid, signal.SIGTERM)
        eventually(lambda: status(site, "/") == 0, "the end of the server")
