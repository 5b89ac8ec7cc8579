"""The relay process: `python -m scheduling_service.relay`. Ends within five seconds of SIGTERM or SIGINT.

The maintenance worker of the same database runs in a second thread.
"""

import logging
import os
import sys
from collections.abc import Mapping

from prometheus_client import CollectorRegistry, start_http_server

from contracts.chassis.logs import log_to
from contracts.chassis.loops import Loop, Worker, run, stop_on_signals
from contracts.chassis.settings import ConfigError, load_or_exit
from scheduling_service.config import RelayConfig
from scheduling_service.maintenance import worker
from scheduling_service.maintenance.wiring import build_maintenance_worker
from scheduling_service.maintenance.worker import MaintenanceWorker
from scheduling_service.relay.metrics import RelayMetrics
from scheduling_service.relay.relay import IDLE_SECONDS, LONGEST_IDLE_SECONDS, Relay, RelayLimits
from scheduling_service.relay.wiring import build_relay


def main() -> None:
    log_to(sys.stderr)
    stop = stop_on_signals()
    relay, maintenance = load_or_exit("scheduling", _build, os.environ)
    loops = [
        Loop("relay", relay.step, IDLE_SECONDS, LONGEST_IDLE_SECONDS),
        Loop("maintenance", maintenance.step, worker.IDLE_SECONDS, worker.LONGEST_IDLE_SECONDS),
    ]
    if not run(Worker(loops, closing=[relay.close, maintenance.close]), stop):
        # A hanging loop must not keep the process alive; the next process repeats its work.
        logging.shutdown()
        os._exit(1)


def _build(environment: Mapping[str, str]) -> tuple[Relay, MaintenanceWorker]:
    config = RelayConfig.from_environment(environment)
    return _build_relay(config), build_maintenance_worker(
        config.database_url, config.role_secret, config.retention.idempotency_keys
    )


def _build_relay(config: RelayConfig) -> Relay:
    registry = CollectorRegistry()
    if config.metrics_port is not None:
        try:
            start_http_server(config.metrics_port, addr=config.metrics_host, registry=registry)
        except OSError as error:
            port = f"RELAY_METRICS_PORT {config.metrics_port} on {config.metrics_host}"
            raise ConfigError(
                f"{port} cannot be used ({error.strerror}): choose another port or RELAY_METRICS_HOST, or unset both"
            ) from error
    limits = RelayLimits(retention=config.retention.outbox)
    metrics = RelayMetrics(registry)
    return build_relay("scheduling", config.database_url, config.role_secret, config.redis_url, metrics, limits)


if __name__ == "__main__":
    main()
