"""The relay process: `python -m scheduling_service.relay`. Ends within five seconds of SIGTERM or SIGINT.

The maintenance worker of the same database runs in a second thread.
"""

import logging
import os
import sys
from collections.abc import Mapping

from prometheus_client import CollectorRegistry

from contracts.chassis.credentials import role_url
from contracts.chassis.direct_connection import require_direct
from contracts.chassis.logs import log_to
from contracts.chassis.loop_metrics import LoopMetrics
from contracts.chassis.loops import Loop, Worker, run, stop_on_signals
from contracts.chassis.metrics_server import process_registry, serve_metrics
from contracts.chassis.settings import load_or_exit
from contracts.chassis.tracing import start_tracing
from scheduling_service.config import RelayConfig
from scheduling_service.maintenance import worker
from scheduling_service.maintenance.wiring import build_maintenance_worker
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.outbox import ROLE
from scheduling_service.relay.relay import IDLE_SECONDS, LONGEST_IDLE_SECONDS, RelayLimits
from scheduling_service.relay.wiring import build_relay


def main() -> None:
    log_to(sys.stderr)
    stop = stop_on_signals()
    registry = process_registry()
    built = load_or_exit("scheduling", lambda environment: _build(environment, registry), os.environ)
    if not run(built, stop, LoopMetrics(registry)):
        # A hanging loop must not keep the process alive; the next process repeats its work.
        logging.shutdown()
        os._exit(1)


def _build(environment: Mapping[str, str], registry: CollectorRegistry) -> Worker:
    config = RelayConfig.from_environment(environment)
    serve_metrics(registry, config.metrics)
    start_tracing(config.tracing, "scheduling-relay")
    limits = RelayLimits(retention=config.retention.outbox)
    direct_url = config.direct_database_url or config.database_url
    require_direct({"SCHEDULING_DATABASE_DIRECT_URL": role_url(direct_url, ROLE, config.role_secret)})
    relay = build_relay(
        config.database_name,
        direct_url,
        config.role_secret,
        config.redis_url,
        RelayMetrics(registry, config.database_name),
        limits,
        config.event_secrets,
    )
    keys = config.retention.idempotency_keys
    maintenance = build_maintenance_worker(config.database_url, direct_url, config.role_secret, keys)
    loops = [
        Loop("relay", relay.step, IDLE_SECONDS, LONGEST_IDLE_SECONDS),
        Loop("maintenance", maintenance.step, worker.IDLE_SECONDS, worker.LONGEST_IDLE_SECONDS),
    ]
    return Worker(loops, closing=[relay.close, maintenance.close])


if __name__ == "__main__":
    main()
