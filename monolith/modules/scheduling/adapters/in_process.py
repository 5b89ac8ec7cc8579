"""The in-process adapter: calls the engine in the monolith's own process.

Together with `monolith.cutover`, the only importer of the service; both are deleted when the extraction is final.
"""

from collections.abc import Callable

from prometheus_client import CollectorRegistry

from contracts.chassis.credentials import role_url
from contracts.chassis.retention import Retention
from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import SchedulingPort
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.engine import SchedulingEngine
from scheduling_service.maintenance.wiring import build_maintenance_worker
from scheduling_service.maintenance.worker import MaintenanceWorker
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.relay import Relay, RelayLimits
from scheduling_service.relay.wiring import build_relay

IN_PROCESS_ROLE = "scheduling_app"


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


def in_process_relay(url: str, secret: str, redis_url: str, retention: Retention, registry: CollectorRegistry) -> Relay:
    """Return the relay of the outbox that this adapter's engine writes to. Connects when it is first used."""
    limits = RelayLimits(retention=retention.outbox)
    return build_relay("monolith", url, secret, redis_url, RelayMetrics(registry, "monolith"), limits)


def in_process_maintenance(url: str, secret: str, retention: Retention) -> MaintenanceWorker:
    """Return the maintenance worker of the same schema. Connects when it is first used."""
    return build_maintenance_worker(url, secret, retention.idempotency_keys)
