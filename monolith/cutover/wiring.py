"""Scheduling while the extraction is under way: both adapters behind the switch, and the observers of a cutover.

Deleted with the rest of this package when the extraction is final; the monolith then runs on the HTTP adapter alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from openfeature import api as openfeature
from openfeature.client import OpenFeatureClient
from openfeature.provider import FeatureProvider
from prometheus_client import CollectorRegistry

from contracts.chassis.admission import shared_places
from contracts.chassis.loops import Loop
from contracts.chassis.retention import Retention
from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.cutover.call_stats import CallStats
from monolith.cutover.migrations import MIGRATIONS
from monolith.cutover.rollback.rollback_reports import RollbackReports
from monolith.cutover.routing import OwnershipRoutes
from monolith.cutover.scheduling_flag import SchedulingFlag
from monolith.cutover.service_adapters import ServiceAdapters
from monolith.cutover.shadow.comparison import ReadComparer
from monolith.cutover.shadow.sampling import ReadSampler
from monolith.cutover.shadow.shadow_flag import ShadowFlag
from monolith.cutover.shadow.shadow_reads import THREADS as SHADOW_THREADS
from monolith.cutover.shadow.shadow_reads import ShadowReads
from monolith.cutover.store.shadow_results import ShadowResultStore
from monolith.cutover.store.tables import SCHEMA
from monolith.modules.scheduling.adapters.in_process import (
    IN_PROCESS_ROLE,
    in_process_maintenance,
    in_process_relay,
    in_process_scheduling,
    with_search_replica,
)
from monolith.modules.scheduling.adapters.metrics import ServiceCallMetrics
from monolith.modules.scheduling.adapters.switched import SwitchedScheduling
from monolith.modules.scheduling.parts import SchedulingParts
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.database.module_databases import ModuleDatabases, PoolWait
from monolith.shared.flags.change_listener import ChangeListener
from monolith.shared.flags.provider import DatabaseFlags
from monolith.shared.flags.store import FlagStore
from monolith.shared.telemetry.metrics import Metrics
from monolith.shared.telemetry.readiness import schema_check

CUTOVER_ROLE = "cutover_app"
SCHEDULING_ROLE = IN_PROCESS_ROLE
"""The role of the engine in the monolith's own process."""


class HttpAdapters(Protocol):
    """Builds HTTP adapters."""

    def __call__(
        self, calls_at_once: int, metrics: ServiceCallMetrics | None, service_url: str | None = None
    ) -> SchedulingPort:
        """Return an adapter for a number of concurrent calls to a service, by default to that of the settings.

        Without metrics, its calls are shadow reads.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class MonolithInputs:
    """The inputs from the monolith's processes. `service_calls` are the metrics of the adapters that users' calls pass.

    `listener` has not been started: the caller starts it once everything has subscribed. `engine_url` is the database
    of the engine in this process, unless it is the monolith's, and `engine_direct_url` the same past a connection
    pooler; `replica_url` is a streaming replica of it that answers searches. `flags` replaces this product's own flags,
    for a team that already has a flag system.
    """

    databases: ModuleDatabases
    platform: ModuleDatabase
    http: HttpAdapters
    service_calls: ServiceCallMetrics
    listener: ChangeListener
    engine_direct_url: str
    engine_url: str | None = None
    replica_url: str | None = None
    flags: FeatureProvider | None = None

    @property
    def in_process_url(self) -> str:
        return self.engine_url or self.databases.url


def switched_web(inputs: MonolithInputs, *, threads: int, calls_at_once: int, metrics: Metrics) -> SchedulingParts:
    """Scheduling of the web process, with at most `calls_at_once` concurrent calls to the service."""
    cutover_db = inputs.databases.of("cutover", CUTOVER_ROLE, 2)
    flags, routes = _routing(inputs, cutover_db)
    # Shadow reads have adapters of their own: a hanging one takes no connection from users and opens no breaker for
    # them.
    shadow = ShadowReads(
        ReadSampler(ShadowFlag(flags).percent_for).selects,
        ReadComparer(_adapters(inputs, SHADOW_THREADS, SHADOW_THREADS)),
        ShadowResultStore(inputs.databases.of("cutover", CUTOVER_ROLE, 1)),
        metrics,
    )
    on_wait = metrics.add_pool("scheduling", threads)
    plain = _adapters(inputs, threads, calls_at_once, inputs.service_calls, on_wait)
    if inputs.replica_url is not None:
        plain["monolith"] = with_search_replica(
            plain["monolith"], inputs.replica_url, inputs.databases.secret, pool_size=threads, on_pool_wait=on_wait
        )
    adapters = _with_registered(
        {name: shadow.around(name, adapter) for name, adapter in plain.items()}, inputs, cutover_db, calls_at_once
    )
    call_stats = CallStats(cutover_db)
    inputs.listener.subscribe(call_stats.refresh)
    return SchedulingParts(
        port=SwitchedScheduling(adapters, routes, waiting_at_once=max(1, shared_places(threads) - 1)),
        decorators=[call_stats.around],
        checks=[schema_check(cutover_db, SCHEMA, MIGRATIONS)],
    )


def switched_worker(
    inputs: MonolithInputs,
    *,
    calls_at_once: int,
    redis_url: str,
    event_secrets: EventSecrets | None,
    retention: Retention,
    registry: CollectorRegistry,
) -> SchedulingParts:
    """Scheduling of the worker: the port, and the relay and maintenance of the schema in the monolith's database."""
    databases = inputs.databases
    cutover_db = databases.of("cutover", CUTOVER_ROLE, 2)
    _, routes = _routing(inputs, cutover_db)
    direct_url = inputs.engine_direct_url
    relay = in_process_relay(direct_url, databases.secret, redis_url, retention, registry, event_secrets)
    maintenance = in_process_maintenance(inputs.in_process_url, direct_url, databases.secret, retention)
    adapters = _adapters(inputs, calls_at_once, calls_at_once, inputs.service_calls)
    return SchedulingParts(
        port=SwitchedScheduling(_with_registered(adapters, inputs, cutover_db, calls_at_once), routes),
        loops=[
            Loop("relay", relay.step, idle_seconds=0.1, longest_idle_seconds=0.5),
            Loop("maintenance", maintenance.step, idle_seconds=0.5, longest_idle_seconds=2.0),
        ],
        closing=[relay.close, maintenance.close],
        loops_with_auth=lambda auth: [Loop("rollback reports", RollbackReports(cutover_db, auth).step, 2.0, 10.0)],
    )


def _routing(inputs: MonolithInputs, cutover_db: ModuleDatabase) -> tuple[OpenFeatureClient, OwnershipRoutes]:
    """Return flags and routes, which the listener keeps current."""
    domain = f"monolith-{new_id()}"
    own_flags = DatabaseFlags(FlagStore(inputs.platform))
    openfeature.set_provider(inputs.flags or own_flags, domain)
    client = openfeature.get_client(domain)
    routes = OwnershipRoutes(cutover_db, SchedulingFlag(client))
    inputs.listener.subscribe(own_flags.refresh)
    inputs.listener.subscribe(routes.invalidate)
    return client, routes


def _adapters(
    inputs: MonolithInputs,
    threads: int,
    calls_at_once: int,
    metrics: ServiceCallMetrics | None = None,
    on_pool_wait: PoolWait = lambda seconds: None,
) -> dict[DatabaseName, SchedulingPort]:
    url, secret = inputs.in_process_url, inputs.databases.secret
    return {
        "monolith": in_process_scheduling(url, secret, pool_size=threads, on_pool_wait=on_pool_wait),
        "scheduling": inputs.http(calls_at_once, metrics),
    }


def _with_registered(
    of_settings: Mapping[DatabaseName, SchedulingPort],
    inputs: MonolithInputs,
    cutover_db: ModuleDatabase,
    calls_at_once: int,
) -> ServiceAdapters:
    """Add the adapters of registered databases. Each has a bulkhead and a breaker of its own, and no shadow reads."""
    return ServiceAdapters(of_settings, cutover_db, lambda url: inputs.http(calls_at_once, inputs.service_calls, url))
