from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from time import monotonic

import pytest
from openfeature import api

from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.scheduling_flag import SchedulingFlag
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.flags.change_listener import ChangeListener
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.store import FlagStore
from tests import polling
from tests.databases import Databases


@dataclass
class Process:
    """The flags and routes of one process of the monolith."""

    store: FlagStore
    flag: SchedulingFlag
    routes: OwnershipRoutes
    watch: ChangeListener


def start_process(databases: Databases, monolith_url: str | None = None) -> Process:
    url = monolith_url or databases.monolith_url
    store = FlagStore(ModuleDatabase(url, role="platform_app", secret=databases.role_secret))
    flags = DatabaseFlags(store)
    domain = f"test-{new_id()}"
    api.set_provider_and_wait(flags, domain)
    flag = SchedulingFlag(api.get_client(domain))
    routes = OwnershipRoutes(ModuleDatabase(url, role="cutover_app", secret=databases.role_secret), flag)
    watch = ChangeListener(url, role="platform_app", secret=databases.role_secret)
    watch.subscribe(flags.refresh)
    watch.subscribe(routes.invalidate)
    watch.start()
    eventually(lambda: not watch.stale)
    return Process(store, flag, routes, watch)


@pytest.fixture
def processes(databases: Databases) -> Iterator[list[Process]]:
    started = [start_process(databases) for _ in range(3)]
    yield started
    with ThreadPoolExecutor() as closing:
        list(closing.map(lambda process: process.watch.close(), started))


def eventually(condition: Callable[[], bool]) -> float:
    """Wait until the condition holds, and return the elapsed seconds."""
    began = monotonic()
    polling.eventually(condition, seconds=5)
    return monotonic() - began
