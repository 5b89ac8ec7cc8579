"""The whole product on durable servers of its own, with one business under HTTP load."""

import os
import signal
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from queue import Queue
from typing import Literal
from urllib.parse import urlsplit
from uuid import UUID

import psutil
import psycopg

from contracts.scheduling.values import DatabaseName
from deploy.devstack.child import Child
from deploy.errors import PortInUseError, ProcessStartError
from loadtests.harness.bench_servers import BenchServers, RunningWeb, running_bench_servers
from loadtests.harness.cores import Cores
from loadtests.harness.cutovers import cutover_databases, owner_of
from loadtests.harness.tenants import SeededTenant, open_seeded_tenant, seed_businesses
from loadtests.harness.traffic.ledger import LedgerReport, check_ledger
from loadtests.harness.traffic.open_loop import TrafficRecord
from loadtests.harness.traffic.processes import running_traffic, traffic_plans
from monolith.cutover import replication
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.store import cutovers
from monolith.cutover.verification import check_invariants, compare
from scheduling_service.engine import lease as leases
from tests.cutover.overload import judge_ledger, refused_for_time
from tests.faults.proxy import TcpProxy
from tests.polling import eventually

Victim = Literal["monolith web", "scheduling web", "monolith Postgres", "scheduling Postgres"]
VICTIMS: tuple[Victim, ...] = ("monolith web", "scheduling web", "monolith Postgres", "scheduling Postgres")
RATE = 60.0
_RESTART_SECONDS = 0.7
_ATTEMPTS = 4


@dataclass
class TrafficPeriod:
    """The result of a period of traffic."""

    records: list[TrafficRecord] = field(default_factory=list)
    verdict: LedgerReport | None = None

    @property
    def clean(self) -> LedgerReport:
        """The report, asserted to contain no lost, duplicate or unrequested booking."""
        assert self.verdict is not None
        judgement = judge_ledger(self.records, self.verdict)
        assert judgement.acceptable, str(judgement)
        assert self.verdict.writes > 10
        return self.verdict


@dataclass
class Deployment:
    servers: BenchServers
    databases: SchedulingDatabases
    tenant: SeededTenant
    webs: dict[str, RunningWeb]
    service: TcpProxy
    """The proxy between the monolith and the service."""
    replication: dict[DatabaseName, TcpProxy]
    """The proxy in front of each database, for the other database's server."""
    killed: "Queue[Child | None]" = field(default_factory=Queue)
    periods: int = 0

    @property
    def business_id(self) -> UUID:
        return self.tenant.business.business_id

    @property
    def owner(self) -> DatabaseName:
        return owner_of(self.databases, self.business_id)

    def controller(self) -> Controller:
        return Controller(self.databases, PreflightChecks(self.databases, lambda database: None))

    def kill(self, victim: Victim) -> None:
        """Send SIGKILL to a web worker, which its master replaces, or to a database server, which is
        restarted."""
        name, kind = victim.split()
        if kind == "web":
            for child in psutil.Process(self.webs[name].pid).children():  # type: ignore[no-untyped-call]
                os.kill(child.pid, signal.SIGKILL)
            return
        self.kill_server(self.servers.postgres[name])

    def kill_server(self, server: Child) -> None:
        """Send SIGKILL to a process, and restart it soon."""
        server.kill()
        self.killed.put(server)

    def wait_until_settled(self, business_id: UUID | None = None) -> None:
        """Wait until every cutover of a business, by default the one under load, is settled.

        One database accepts its writes, and both are equal.
        """
        business_id = business_id or self.business_id
        worker = RecoveryWorker(self.databases)
        eventually(lambda: self._all_settled(worker, business_id), "every cutover settled")
        worker.close()
        self._wait_until_streaming()
        with self.databases.monolith.connect() as one, self.databases.scheduling.connect() as another:
            found = {
                "monolith": leases.read_lease(one, business_id),
                "scheduling": leases.read_lease(another, business_id),
            }
            owner = owner_of(self.databases, business_id)
            assert [name for name, lease in found.items() if lease is not None and lease.active] == [owner]
            here, there = (one, another) if owner == "monolith" else (another, one)
            findings = compare(here, there, business_id, settle_seconds=15.0)
            assert findings.equal, findings.differences
            assert check_invariants(here, business_id) == []

    def _wait_until_streaming(self) -> None:
        problems: list[str] = []

        def is_streaming() -> bool:
            problems[:] = replication.find_problems(self.databases.extraction, max_lag_bytes=1_000_000)
            return not problems

        try:
            eventually(is_streaming, "replication streams again")
        except AssertionError as error:
            raise AssertionError("; ".join([str(error), *problems])) from None

    def _all_settled(self, worker: RecoveryWorker, business_id: UUID) -> bool:
        worker.step()
        try:
            with self.databases.control_db() as control_db:
                return not cutovers.unsettled(control_db, business_id)
        except psycopg.Error:
            return False

    @contextmanager
    def traffic(self, rate: float = RATE) -> Iterator[TrafficPeriod]:
        """Generate traffic while the block runs; then settle everything and check the ledger."""
        self.periods += 1
        slots = self.tenant.slots[self.periods % 40 :: 40]
        plans = traffic_plans(self.webs["monolith"].port, self.tenant, rate, slots)
        folder = self.servers.folder / f"traffic-{self.periods}"
        period = TrafficPeriod()
        with running_traffic(plans, folder, warm_up=0.7) as generated:
            yield period
            self.wait_until_settled()
        self.wait_until_settled()
        period.records = generated.records
        with self.databases.at(self.owner).connect() as db:
            period.verdict = check_ledger(generated.records, db, self.business_id, [plan.name for plan in plans])


@contextmanager
def running_deployment(
    appointments: int = 1_000, web_workers: int = 2, web_settings: Mapping[str, Mapping[str, str]] | None = None
) -> Iterator[Deployment]:
    """Run the product; `web_settings` are additional settings of the web processes, by deployment."""
    with running_bench_servers(Cores(None, None)) as servers, ExitStack() as stack:
        servers.start_databases("monolith", "scheduling")
        [business] = seed_businesses(servers, 1, appointments)
        workers, more = {"WEB_WORKERS": str(web_workers)}, web_settings or {}
        webs = {"scheduling": servers.start_scheduling(**workers, **more.get("scheduling", {}))}
        service = stack.enter_context(TcpProxy("127.0.0.1", webs["scheduling"].port))
        webs["monolith"] = servers.start_monolith(
            **workers, **more.get("monolith", {}), SCHEDULING_SERVICE_URL=service.url
        )
        pair, proxies = _behind_proxies(cutover_databases(servers), stack)
        replication.start(pair.extraction, lambda progress: None)
        deployment = Deployment(
            servers, pair, open_seeded_tenant(webs["monolith"].port, business), webs, service, proxies
        )
        supervisor = threading.Thread(target=_supervise, args=(deployment.killed,), daemon=True)
        supervisor.start()
        yield deployment
        deployment.killed.put(None)


def _supervise(killed: "Queue[Child | None]") -> None:
    """Restart killed servers from one thread, since a server ends with the thread that started it."""
    while (server := killed.get()) is not None:
        time.sleep(_RESTART_SECONDS)
        _revive(server)


def _revive(server: Child) -> None:
    """Start again as soon as the killed server's processes have released the port."""
    until = time.monotonic() + 20
    while True:
        try:
            server.start()
            return
        except PortInUseError:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        except ProcessStartError:
            if server.exit_description != f"signal {signal.SIGKILL}":
                raise
            return  # It was killed again, which is in the queue too.


def _behind_proxies(
    pair: SchedulingDatabases, stack: ExitStack
) -> tuple[SchedulingDatabases, dict[DatabaseName, TcpProxy]]:
    proxies: dict[DatabaseName, TcpProxy] = {}
    behind_proxies = {}
    for name in ("monolith", "scheduling"):
        at = urlsplit(pair.at(name).url)
        assert at.hostname is not None
        assert at.port is not None
        proxies[name] = stack.enter_context(TcpProxy(at.hostname, at.port))
        behind_proxies[name] = replace(pair.at(name), seen_from_other=f"127.0.0.1:{proxies[name].port}")
    return SchedulingDatabases(behind_proxies["monolith"], behind_proxies["scheduling"]), proxies


def cut_over_repeatedly(
    deployment: Deployment, times: int = 1, *, pause: float = 0.1, fence_seconds: float = 5.0
) -> Sequence[cutovers.Cutover]:
    """Cut over back and forth, and assert that each cutover succeeds.

    A cutover that is refused because something took too long is repeated; it is among those returned.
    """
    done: list[cutovers.Cutover] = []
    with deployment.controller() as controller:
        for _ in range(times):
            done += _cut_over(deployment, controller, fence_seconds)
            time.sleep(pause)
    return done


def _cut_over(deployment: Deployment, controller: Controller, fence_seconds: float) -> list[cutovers.Cutover]:
    source, attempts = deployment.owner, list[cutovers.Cutover]()
    while len(attempts) < _ATTEMPTS:
        cutover = controller.cut_over(
            deployment.business_id,
            source,
            deployment.databases.extraction.partner_of(source),
            fence_seconds=fence_seconds,
            actor="tests",
            reason="to see",
        )
        attempts.append(cutover)
        if cutover.state == "active":
            return attempts
        assert refused_for_time(cutover.problem), f"broken promise: a cutover was refused: {cutover.problem}"
    problems = [cutover.problem for cutover in attempts]
    raise AssertionError(f"overloaded machine: {_ATTEMPTS} cutovers in a row were refused: {problems}")
