"""The cutover daemon: `python -m monolith.cutover.daemon`. Several instances may run at once.

Runs the recovery worker and the rollback worker in a thread each, so that a slow rollback does not delay the recovery
of a fenced business. They poll while there is work, and change notices start them. Stops on SIGTERM or SIGINT.
"""

import logging
import os
import sys
from typing import NamedTuple

from contracts.chassis.logs import log_to
from contracts.chassis.loops import Loop, Worker, run, stop_on_signals
from contracts.chassis.settings import Environment, database_url, load_or_exit, secret, url
from monolith.cutover.databases import CONTROLLER, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.polling_loop import TableChanges
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.readiness import readiness_probe
from monolith.cutover.recovery_worker import RecoveryWorker
from monolith.cutover.rollback.rollback_worker import RollbackWorker
from monolith.shared.flags.change_listener import ChangeListener

log = logging.getLogger("monolith.cutover.daemon")

RECOVERY_SECONDS = 0.25
LONGEST_RECOVERY_SECONDS = 0.5
ROLLBACK_SECONDS = 1.0
ROLLBACK_DATABASE_SHARE = 0.5
"""Of the databases' time, for comparisons before an automatic rollback: above the default, to shorten the outage."""


class _Settings(NamedTuple):
    databases: SchedulingDatabases
    service_url: str


def settings_from(environment: Environment) -> _Settings:
    """Read the settings from the environment. Raises ConfigError."""
    databases = SchedulingDatabases(
        monolith=SchedulingDatabase(
            "monolith",
            database_url(environment, "MONOLITH_DATABASE_URL"),
            secret(environment, "MONOLITH_DATABASE_ROLE_SECRET"),
        ),
        scheduling=SchedulingDatabase(
            "scheduling",
            database_url(environment, "SCHEDULING_DATABASE_URL"),
            secret(environment, "SCHEDULING_DATABASE_ROLE_SECRET"),
        ),
    )
    return _Settings(databases, url(environment, "SCHEDULING_SERVICE_URL", "http://host:port"))


def main() -> None:
    log_to(sys.stderr)
    stop = stop_on_signals()
    settings = load_or_exit("cutover-daemon", settings_from, os.environ)
    checks = PreflightChecks(settings.databases, readiness_probe(settings.service_url), share=ROLLBACK_DATABASE_SHARE)
    monolith = settings.databases.monolith
    listener = ChangeListener(monolith.url, role=CONTROLLER, secret=monolith.secret)
    recovery = RecoveryWorker(settings.databases, TableChanges(listener, "cutover"))
    rollback = RollbackWorker(settings.databases, checks, TableChanges(listener, "rollback_policy"))
    listener.start()
    loops = [
        Loop("cutover recovery", recovery.step, RECOVERY_SECONDS, LONGEST_RECOVERY_SECONDS),
        Loop("automatic rollback", rollback.step, ROLLBACK_SECONDS),
    ]
    if not run(Worker(loops, closing=[recovery.close, rollback.close, listener.close]), stop):
        logging.shutdown()
        os._exit(1)


if __name__ == "__main__":
    main()
