"""The in-process adapter: calls the engine in the monolith's own process.

Together with `monolith.cutover`, the only importer of the service; both are deleted when the extraction is final.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from contracts.chassis.credentials import role_url
from contracts.chassis.deadline import Deadline
from contracts.chassis.retention import Retention
from contracts.scheduling.context import CallContext
from contracts.scheduling.event_signatures import EventSecrets
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from monolith.modules.scheduling.adapters.search_replica import SearchReplica
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from scheduling_service.maintenance.wiring import build_maintenance_worker
from scheduling_service.maintenance.worker import MaintenanceWorker
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.relay import Relay, RelayLimits
from scheduling_service.relay.wiring import build_relay

IN_PROCESS_ROLE = "scheduling_app"

# A standby without a connection to its primary has replayed all that it received, and may be hours old.
_LAG = """
    SELECT CASE WHEN NOT EXISTS (SELECT FROM pg_stat_wal_receiver) THEN 'infinity'::float8
                WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0
                ELSE extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())::float8 END
"""
_LAG_SECONDS = 1.0
"""How long to wait for the replica to tell its lag."""


class InProcessScheduling(SchedulingPort):
    """The port as plain function calls. Applies the operation's time budget, as the HTTP adapter does."""

    def __init__(self, engine: SchedulingEngine) -> None:
        self._engine = engine

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        bounded = CallContext(
            ctx.business_id,
            ctx.actor,
            ctx.deadline.capped(operation.budget_ms / 1000),
            ctx.trace,
            ctx.idempotency_key,
        )
        return self._engine.call(operation, bounded, request)

    def ping(self) -> None:
        """Raise Unavailable unless the database answers and is migrated."""
        self._engine.ping()


def in_process_scheduling(
    url: str, secret: str, *, pool_size: int, on_pool_wait: Callable[[float], None] = lambda seconds: None
) -> InProcessScheduling:
    """Return the adapter for the scheduling schema in the database at `url`."""
    role = role_url(url, IN_PROCESS_ROLE, secret)
    return InProcessScheduling(SchedulingEngine(EngineDatabase(role, pool_size=pool_size, on_pool_wait=on_pool_wait)))


def with_search_replica(
    primary: SchedulingPort, url: str, secret: str, *, pool_size: int, on_pool_wait: Callable[[float], None]
) -> SearchReplica:
    """Return the port with its searches answered by the streaming replica at `url`, whose roles are the primary's."""
    # One more connection, because the lag is read while all others may be searching.
    database = EngineDatabase(
        role_url(url, IN_PROCESS_ROLE, secret), pool_size=pool_size + 1, on_pool_wait=on_pool_wait
    )

    def read_lag() -> float:
        row = database.read(Deadline.after(_LAG_SECONDS), lambda db: db.query_row(_LAG))
        assert row is not None
        return float(row[0])

    return SearchReplica(primary, InProcessScheduling(SchedulingEngine(database)), read_lag)


def in_process_relay(
    direct_url: str,
    secret: str,
    redis_url: str,
    retention: Retention,
    registry: CollectorRegistry,
    event_secrets: EventSecrets | None,
) -> Relay:
    """Return the relay of the outbox that this adapter's engine writes to. Connects when it is first used."""
    limits = RelayLimits(retention=retention.outbox)
    return build_relay(
        "monolith", direct_url, secret, redis_url, RelayMetrics(registry, "monolith"), limits, event_secrets
    )


def in_process_maintenance(url: str, direct_url: str, secret: str, retention: Retention) -> MaintenanceWorker:
    """Return the maintenance worker of the same schema. Connects when it is first used."""
    return build_maintenance_worker(url, direct_url, secret, retention.idempotency_keys)
