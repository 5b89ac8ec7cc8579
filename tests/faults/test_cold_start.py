"""A monolith that starts without its database is alive but not ready, and recovers by itself (fault 41)."""

from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from tests.databases import Databases
from tests.e2e.shop import Customer, furnished_shop
from tests.faults.proxy import TcpProxy
from tests.gunicorn_site import gunicorn_site
from tests.polling import eventually


@pytest.mark.row("F41")
def test_cold_start_without_the_route_store_is_not_ready_until_it_returns(databases: Databases, tmp_path: Path) -> None:
    direct = urlsplit(databases.monolith_url)
    with ExitStack() as running:
        proxy = running.enter_context(TcpProxy(direct.hostname or "", direct.port or 0))
        far = databases.replacing(monolith_url=direct._replace(netloc=f"127.0.0.1:{proxy.port}").geturl())
        with proxy.unreachable():
            site = running.enter_context(gunicorn_site(far, tmp_path, until="/healthz"))
            assert requests.get(f"{site.url}/readyz", timeout=5).status_code == 503
            search = site.client().get("/businesses/salon/slots")
            assert (search.status_code, search.json()["code"]) == (503, "unavailable")
        eventually(lambda: requests.get(f"{site.url}/readyz", timeout=5).ok, "readiness")
        customer = Customer(site, furnished_shop(site.url, "salon", "in_process"))
        assert customer.book(customer.slots().json()["slots"][0]["starts_at"]).status_code == 201
