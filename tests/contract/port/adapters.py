"""The adapters under test, composed as in production: real databases, the real service behind a real socket."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import UUID, uuid4

from openfeature import api as openfeature
from uuid_utils.compat import uuid7

from contracts.scheduling.port import SchedulingPort
from deploy.devstack.keys import Keys, load_keys
from deploy.devstack.ports import free_port
from deploy.devstack.program import Program, http_check
from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.scheduling_flag import DATABASE_OF, AdapterName, SchedulingFlag
from monolith.modules.scheduling.adapters.http import HttpScheduling
from monolith.modules.scheduling.adapters.in_process import in_process_scheduling
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.modules.scheduling.adapters.tokens import signer_from
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.store import SCHEDULING_ADAPTER, FlagStore
from tests.databases import Databases

NAMES = ("in_process", "http", "switched to in_process", "switched to http")


@dataclass(frozen=True)
class Adapter:
    """One adapter. `database_url` has administrator credentials for the database that owns new businesses."""

    name: str
    port: SchedulingPort
    database_url: str
    new_business: Callable[[], UUID] = uuid7
    """An id for a business to be opened with this adapter."""
    role_secret: str = ""
    """The secret of the running roles of both databases."""


@contextmanager
def running_adapters(databases: Databases, folder: Path) -> Iterator[dict[str, Adapter]]:
    """Provide every adapter by name, on one pair of databases and one service."""
    with ExitStack() as stack:
        keys = load_keys(folder / "keys.json")
        service_url = stack.enter_context(running_service(databases, keys, folder / "service.log"))
        http = HttpScheduling(service_url, signer_from(keys.signing_key))
        stack.callback(http.close)
        in_process = in_process_scheduling(databases.monolith_url, databases.role_secret, pool_size=8)
        ports: dict[AdapterName, SchedulingPort] = {"in_process": in_process, "http": http}
        urls: dict[AdapterName, str] = {
            "in_process": databases.monolith_admin_url,
            "http": databases.scheduling_admin_url,
        }
        secret = databases.role_secret
        adapters = [Adapter(name, ports[name], urls[name], role_secret=secret) for name in ports]
        switched, ask_for = stack.enter_context(_switched(databases, ports))
        adapters += [
            Adapter(f"switched to {name}", switched, urls[name], _asking(ask_for, name), secret) for name in ports
        ]
        yield {adapter.name: adapter for adapter in adapters}


@contextmanager
def running_service(databases: Databases, keys: Keys, log: Path) -> Iterator[str]:
    """Run the scheduling service under gunicorn and yield its URL."""
    port = free_port()
    environment = {
        "SCHEDULING_DATABASE_URL": databases.scheduling_url,
        "DATABASE_ROLE_SECRET": databases.role_secret,
        "SERVICE_TOKEN_VERIFY_KEYS": keys.verify_keys,
        "METRICS_TOKEN": keys.metrics_token,
        "SCHEDULING_PORT": str(port),
        "WEB_WORKERS": "1",
    }
    command = ["-m", "gunicorn", "-c", "deploy/gunicorn/scheduling.py", "scheduling_service.wsgi:app"]
    ready = http_check(port, "/readyz")
    with Program("scheduling web", command, environment, log=log, is_ready=ready):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def _switched(
    databases: Databases, ports: dict[AdapterName, SchedulingPort]
) -> Iterator[tuple[SwitchedScheduling, Callable[[UUID, AdapterName], None]]]:
    """The switched port, with a function that sets the flag before a business is opened."""
    platform = ModuleDatabase(databases.monolith_url, role="platform_app", secret=databases.role_secret)
    cutover = ModuleDatabase(databases.monolith_url, role="cutover_app", secret=databases.role_secret)
    store = FlagStore(platform)
    flags = DatabaseFlags(store)
    domain = uuid4().hex
    openfeature.set_provider(flags, domain)

    def ask_for(business_id: UUID, name: AdapterName) -> None:
        store.set(SCHEDULING_ADAPTER, name, business_id=business_id, actor="tests", reason="contract suite")
        flags.refresh()

    try:
        routes = OwnershipRoutes(cutover, SchedulingFlag(openfeature.get_client(domain)))
        yield SwitchedScheduling({DATABASE_OF[name]: adapter for name, adapter in ports.items()}, routes), ask_for
    finally:
        platform.close()
        cutover.close()


def _asking(ask_for: Callable[[UUID, AdapterName], None], name: AdapterName) -> Callable[[], UUID]:
    def new_business() -> UUID:
        business_id = uuid7()
        ask_for(business_id, name)
        return business_id

    return new_business
