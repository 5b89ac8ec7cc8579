"""The switched adapter routes by ownership, corrects stale routes, and isolates failures of either database."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import models as m
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.errors import BusinessNotFound, NotOwner, Unavailable
from contracts.scheduling.operations import Operation
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.modules.scheduling.adapters import switched as switched_adapter
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.shared.database import new_id
from monolith.shared.flags.store import SCHEDULING_ADAPTER
from tests.databases import Databases
from tests.faults.proxy import TcpProxy
from tests.integration.routing.conftest import Process, eventually, start_process


class RecordingPort(SchedulingPort):
    """A port that records the keys of its calls and replies with its name or a given error."""

    def __init__(self, name: DatabaseName, refuse: Callable[[], Exception | None] = lambda: None) -> None:
        self.name = name
        self.refuse = refuse
        self.keys: list[str | None] = []

    def call(self, operation: Operation[Any, Any], ctx: CallContext, request: Any) -> Any:
        self.keys.append(ctx.idempotency_key)
        refused = self.refuse()
        if refused is not None:
            raise refused
        return m.Business(business_id=ctx.business_id, name=self.name, zone="Europe/Paris", epoch=1)


Ports = dict[str, RecordingPort]


def context(business_id: UUID, key: str = "a-key", seconds: float = 2.0) -> CallContext:
    return CallContext(business_id, SYSTEM, Deadline.after(seconds), new_trace(), key)


def switched(process: Process, **ports: RecordingPort) -> SwitchedScheduling:
    return SwitchedScheduling({"monolith": ports["monolith"], "scheduling": ports["scheduling"]}, process.routes)


def move(databases: Databases, business_id: UUID, owner: DatabaseName) -> None:
    """Update the routing table like the decision of a cutover."""
    with psycopg.connect(databases.monolith_admin_url) as db:
        db.execute(
            "UPDATE cutover.ownership SET owner = %s, epoch = epoch + 1 WHERE business_id = %s", (owner, business_id)
        )


@pytest.fixture
def process(processes: list[Process]) -> Process:
    return processes[0]


@pytest.fixture
def ports() -> Ports:
    return {"monolith": RecordingPort("monolith"), "scheduling": RecordingPort("scheduling")}


OPEN = m.OpenBusiness(name="A", zone="Europe/Paris")


def test_new_business_is_opened_in_the_database_of_the_flag(process: Process, ports: Ports) -> None:
    process.store.set(SCHEDULING_ADAPTER, "http", business_id=None, actor="cli:ann", reason="")
    eventually(lambda: process.flag.adapter_for(new_id()) == "http")

    assert switched(process, **ports).open_business(context(new_id()), OPEN).name == "scheduling"


def test_repeated_opening_ignores_a_changed_flag(process: Process, ports: Ports) -> None:
    business_id = new_id()
    port = switched(process, **ports)
    port.open_business(context(business_id), OPEN)
    process.store.set(SCHEDULING_ADAPTER, "http", business_id=None, actor="cli:ann", reason="")
    eventually(lambda: process.flag.adapter_for(business_id) == "http")

    assert port.open_business(context(business_id), OPEN).name == "monolith"


def test_every_process_follows_a_cutover_within_a_second(
    databases: Databases, processes: list[Process], ports: Ports
) -> None:
    business_id = new_id()
    switches = [switched(process, **ports) for process in processes]
    switches[0].open_business(context(business_id), OPEN)
    assert all(port.get_business(context(business_id), m.GetBusiness()).name == "monolith" for port in switches)

    move(databases, business_id, "scheduling")

    took = eventually(
        lambda: all(port.get_business(context(business_id), m.GetBusiness()).name == "scheduling" for port in switches)
    )
    assert took < 1.0


@pytest.mark.row("F39")
def test_stale_route_is_corrected_and_the_same_key_succeeds(
    databases: Databases, process: Process, ports: Ports
) -> None:
    business_id = new_id()
    port = switched(process, **ports)
    port.open_business(context(business_id), OPEN)
    process.watch.close()
    port.get_business(context(business_id), m.GetBusiness())
    move(databases, business_id, "scheduling")
    ports["monolith"].refuse = lambda: NotOwner("moved away")

    request = m.CreateProvider(name="Ann", zone="Europe/Paris")
    assert port.create_provider(context(business_id, "the-key"), request).name == "scheduling"
    assert ports["monolith"].keys[-1] == ports["scheduling"].keys[-1] == "the-key"


def test_write_waits_for_a_fence_and_continues_at_the_new_owner(
    databases: Databases, process: Process, ports: Ports
) -> None:
    business_id = new_id()
    port = switched(process, **ports)
    port.open_business(context(business_id), OPEN)
    refusals = 0

    def fenced() -> Exception:
        nonlocal refusals
        refusals += 1
        if refusals == 4:
            move(databases, business_id, "scheduling")
        return NotOwner("fenced")

    ports["monolith"].refuse = fenced
    request = m.CreateProvider(name="Ann", zone="Europe/Paris")

    assert port.create_provider(context(business_id), request).name == "scheduling"
    assert refusals >= 4


def test_waiting_write_is_woken_by_the_decision_and_by_the_activation(
    databases: Databases, process: Process, ports: Ports, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the notices, each wait would last for a minute."""
    monkeypatch.setattr(switched_adapter, "_FIRST_WAIT", 60.0)
    monkeypatch.setattr(switched_adapter, "_LONGEST_WAIT", 60.0)
    business_id = new_id()
    port = switched(process, **ports)
    port.open_business(context(business_id), OPEN)
    fenced, decided = threading.Event(), threading.Event()

    def refuse_once() -> Exception | None:
        if decided.is_set():
            return None
        decided.set()
        return NotOwner("not active yet")

    def refuse() -> Exception:
        fenced.set()
        return NotOwner("fenced")

    ports["monolith"].refuse, ports["scheduling"].refuse = refuse, refuse_once
    with ThreadPoolExecutor(1) as calling:
        request = m.CreateProvider(name="Ann", zone="Europe/Paris")
        reply = calling.submit(port.create_provider, context(business_id, seconds=600.0), request)
        assert fenced.wait(20)
        move(databases, business_id, "scheduling")
        assert decided.wait(20)
        with psycopg.connect(databases.monolith_admin_url) as db:
            db.execute("SELECT pg_notify('routes', %s)", (f"cutover {business_id}",))
        assert reply.result(20).name == "scheduling"


def test_fence_longer_than_the_deadline_is_unavailable(process: Process, ports: Ports) -> None:
    business_id = new_id()
    port = switched(process, **ports)
    port.open_business(context(business_id), OPEN)
    ports["monolith"].refuse = lambda: NotOwner("fenced")

    with pytest.raises(Unavailable, match="being moved"):
        port.create_provider(context(business_id, seconds=0.3), m.CreateProvider(name="Ann", zone="Europe/Paris"))


def test_calls_never_fall_back_to_the_other_database(process: Process, ports: Ports) -> None:
    business_id = new_id()
    port = switched(process, **ports)
    port.open_business(context(business_id), OPEN)
    ports["monolith"].refuse = lambda: Unavailable("slow today")

    with pytest.raises(Unavailable, match="slow today"):
        port.get_business(context(business_id), m.GetBusiness())
    assert ports["scheduling"].keys == []


def test_unknown_business_is_not_found(process: Process, ports: Ports) -> None:
    with pytest.raises(BusinessNotFound):
        switched(process, **ports).get_business(context(new_id()), m.GetBusiness())


@pytest.mark.row("F41")
def test_cached_route_is_used_while_the_table_is_unreachable(databases: Databases, ports: Ports) -> None:
    address = urlsplit(databases.monolith_url)
    business_id = new_id()
    with TcpProxy(str(address.hostname), address.port or 5432) as proxy:
        url = address._replace(netloc=f"127.0.0.1:{proxy.port}").geturl()
        process = start_process(databases, url)
        port = switched(process, **ports)
        port.open_business(context(business_id), OPEN)
        port.get_business(context(business_id), m.GetBusiness())
        with proxy.unreachable():
            eventually(lambda: process.watch.stale)
            assert port.get_business(context(business_id), m.GetBusiness()).name == "monolith"
            with pytest.raises(Unavailable):
                port.get_business(context(new_id()), m.GetBusiness())
            move(databases, business_id, "scheduling")

        eventually(lambda: not process.watch.stale)
        eventually(lambda: port.get_business(context(business_id), m.GetBusiness()).name == "scheduling")
        process.watch.close()
