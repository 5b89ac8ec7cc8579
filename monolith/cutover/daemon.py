"""The cutover daemon: `python -m monolith.cutover.daemon`. Several instances may run at once.

Runs the recovery worker, the rollback worker and the watch for restored databases in a thread each, so that a slow
rollback does not delay the recovery of a fenced business. The workers poll while there is work, and change notices
start them. Stops on SIGTERM or SIGINT.
"""

import logging
import os
import sys
from typing import NamedTuple

from prometheus_client import CollectorRegistry

from contracts.chassis.direct_connection import require_direct
from contracts.chassis.logs import log_to
from contracts.chassis.loop_metrics import LoopMetrics
from contracts.chassis.loops import Loop, Worker, run, stop_on_signals
from contracts.chassis.metrics_server import MetricsAddress, process_registry, serve_metrics
from contracts.chassis.scraped_metrics import ScrapedMetrics
from contracts.chassis.settings import Environment, choice, direct_database_url, load_or_exit, role_secret, url
from monolith.cutover.databases import CONTROLLER, SCHEDULING_MOVER, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.metrics.cutover_metrics import CutoverSource
from monolith.cutover.metrics.daemon_metrics import DaemonMetrics
from monolith.cutover.metrics.replication_metrics import ReplicationSource
from monolith.cutover.polling_loop import TableChanges
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.readiness import readiness_probe
from monolith.cutover.recovery import RecoveryWatch
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.registry import with_registry
from monolith.cutover.rollback.rollback_worker import RollbackWorker
from monolith.shared.flags.change_listener import ChangeListener

log = logging.getLogger("monolith.cutover.daemon")

RECOVERY_SECONDS = 0.25
LONGEST_RECOVERY_SECONDS = 0.5
ROLLBACK_SECONDS = 1.0
WATCH_SECONDS = 1.0
FAILOVERS = ("ask", "synchronous")
"""Values of CUTOVER_FAILOVERS: wait for an operator after a failover, or confirm one that lost no decision."""
ROLLBACK_DATABASE_SHARE = 0.5
"""Of the databases' time, for comparisons before an automatic rollback: above the default, to shorten the outage."""


class _Settings(NamedTuple):
    databases: SchedulingDatabases
    service_url: str
    metrics: MetricsAddress | None = None
    confirms_failovers: bool = False


def settings_from(environment: Environment) -> _Settings:
    """Read the settings from the environment. Raises ConfigError."""
    databases = with_registry(
        SchedulingDatabase(
            "monolith",
            direct_database_url(environment, "MONOLITH_DATABASE_URL"),
            role_secret(environment, "MONOLITH_DATABASE_ROLE_SECRET"),
        ),
        SchedulingDatabase(
            "scheduling",
            direct_database_url(environment, "SCHEDULING_DATABASE_URL"),
            role_secret(environment, "SCHEDULING_DATABASE_ROLE_SECRET"),
        ),
        environment,
    )
    return _Settings(
        databases,
        url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"),
        MetricsAddress.from_environment(environment, port="CUTOVER_METRICS_PORT", host="CUTOVER_METRICS_HOST"),
        choice(environment, "CUTOVER_FAILOVERS", "ask", FAILOVERS) == "synchronous",
    )


def main() -> None:
    log_to(sys.stderr)
    stop = stop_on_signals()
    registry = process_registry()
    worker = load_or_exit("cutover-daemon", lambda environment: _build(environment, registry), os.environ)
    if not run(worker, stop, LoopMetrics(registry)):
        logging.shutdown()
        os._exit(1)


def _build(environment: Environment, registry: CollectorRegistry) -> Worker:
    settings = settings_from(environment)
    monolith, scheduling = settings.databases.monolith, settings.databases.scheduling
    require_direct(
        {
            "MONOLITH_DATABASE_DIRECT_URL": monolith.url_as(CONTROLLER),
            "SCHEDULING_DATABASE_DIRECT_URL": scheduling.url_as(SCHEDULING_MOVER),
        }
    )
    serve_metrics(registry, settings.metrics)
    registry.register(
        ScrapedMetrics(
            {
                "replication": ReplicationSource(settings.databases).read,
                "cutovers": CutoverSource(settings.databases).read,
            }
        )
    )
    metrics = DaemonMetrics(registry)
    probe = readiness_probe(settings.service_url, settings.databases.service_url_of)
    checks = PreflightChecks(settings.databases, probe, share=ROLLBACK_DATABASE_SHARE)
    listener = ChangeListener(monolith.url, role=CONTROLLER, secret=monolith.secret)
    recovery = RecoveryWorker(settings.databases, TableChanges(listener, "cutover"), metrics)
    rollback = RollbackWorker(settings.databases, checks, TableChanges(listener, "rollback_policy"), metrics)
    watch = RecoveryWatch(settings.databases, metrics, confirms=settings.confirms_failovers)
    listener.start()
    loops = [
        Loop("cutover recovery", recovery.step, RECOVERY_SECONDS, LONGEST_RECOVERY_SECONDS),
        Loop("automatic rollback", rollback.step, ROLLBACK_SECONDS),
        Loop("watch for restored databases", watch.step, WATCH_SECONDS),
    ]
    return Worker(loops, closing=[recovery.close, rollback.close, watch.close, listener.close])


if __name__ == "__main__":
    main()
