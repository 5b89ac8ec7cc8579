"""The product under gunicorn in either topology, on the databases of one test."""

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path

from deploy.devstack.keys import load_keys
from monolith.cutover.scheduling_flag import AdapterName
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore
from tests.databases import Databases
from tests.faults.service import SchedulingWeb
from tests.gunicorn_site import GunicornSite, gunicorn_site


@contextlib.contextmanager
def http_site(
    databases: Databases, folder: Path, *, service_settings: Mapping[str, str] | None = None, **settings: str
) -> Iterator[tuple[GunicornSite, SchedulingWeb]]:
    """Yield the monolith, which uses the HTTP adapter only, and the service; `settings` are the monolith's."""
    keys = load_keys(folder / "keys.json")
    with SchedulingWeb(databases, keys, folder, **(service_settings or {})) as service:
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
        with http_site(databases, folder, service_settings=None, **settings) as (site, _):
            yield site


def set_default_adapter(databases: Databases, adapter: AdapterName) -> None:
    """Set the flag for new businesses. Running processes follow within a second."""
    platform = ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)
    FlagStore(platform).set(SCHEDULING_ADAPTER, adapter, business_id=None, actor="test", reason="a test")
    platform.close()
