"""The product under gunicorn in either topology, on the databases of one test."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

from deploy.devstack.keys import load_keys
from tests.databases import Databases
from tests.faults.service import SchedulingWeb
from tests.gunicorn_site import GunicornSite, gunicorn_site


@contextlib.contextmanager
def http_site(databases: Databases, folder: Path, **settings: str) -> Iterator[tuple[GunicornSite, SchedulingWeb]]:
    """Yield the monolith, which uses the HTTP adapter only, and the service; `settings` are the monolith's."""
    keys = load_keys(folder / "keys.json")
    with SchedulingWeb(databases, keys, folder) as service:
        http = {
            "SCHEDULING_ADAPTER": "http",
            "SCHEDULING_SERVICE_URL": service.url,
            "SERVICE_TOKEN_SIGNING_KEY": keys.signing_key,
        }
        with gunicorn_site(databases, folder, **http, **settings) as site:
            yield site, service


@contextlib.contextmanager
def site_on(adapter: str, databases: Databases, folder: Path, **settings: str) -> Iterator[GunicornSite]:
    """Yield the monolith with the adapter `in_process` or `http`."""
    if adapter == "in_process":
        with gunicorn_site(databases, folder, **settings) as site:
            yield site
    else:
        with http_site(databases, folder, **settings) as (site, _):
            yield site
