"""The worker process: `python -m monolith.worker`. Ends within five seconds of SIGTERM or SIGINT.

Follows scheduling's events, relays the in-process copy's outbox, sends mail and finishes what requests began; what runs
is put together in `wiring.build_worker`.
"""

import logging
import os
import sys

from prometheus_client import CollectorRegistry

from contracts.chassis.direct_connection import require_direct
from contracts.chassis.logs import log_to
from contracts.chassis.loop_metrics import LoopMetrics
from contracts.chassis.loops import Worker, run, stop_on_signals
from contracts.chassis.metrics_server import process_registry, serve_metrics
from contracts.chassis.settings import Environment, load_or_exit
from contracts.chassis.tracing import start_tracing
from monolith import wiring
from monolith.config import WorkerConfig, direct_logins

log = logging.getLogger("monolith.worker")


def main() -> None:
    log_to(sys.stderr)
    stop = stop_on_signals()
    registry = process_registry()
    worker = load_or_exit("monolith", lambda environment: _build(environment, registry), os.environ)
    log.info("worker started")
    ended = run(worker, stop, LoopMetrics(registry))
    log.info("worker stopped")
    if not ended:
        # A hanging loop must not keep the process alive: the next process repeats its step.
        logging.shutdown()
        os._exit(1)


def _build(environment: Environment, registry: CollectorRegistry) -> Worker:
    config = WorkerConfig.from_environment(environment)
    require_direct(direct_logins(config))
    serve_metrics(registry, config.metrics)
    start_tracing(config.tracing, "monolith-worker")
    return wiring.build_worker(config, registry)


if __name__ == "__main__":
    main()
