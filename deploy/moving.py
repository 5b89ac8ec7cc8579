"""What the commands that move businesses work with: both databases, the guard rails, and a controller."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from contracts.chassis.credentials import without_credentials
from deploy.deployment import deployment_environment
from deploy.errors import CommandError
from monolith.cutover.controller import Controller
from monolith.cutover.databases import Connection, SchedulingDatabase, SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.readiness import readiness_probe


@dataclass(frozen=True)
class Moving:
    """`controller` is this process's own."""

    sides: SchedulingDatabases
    guards: PreflightChecks
    controller: Controller

    @property
    def platform(self) -> Connection:
        return self.controller.platform


def sides_of_deployment() -> SchedulingDatabases:
    """Both databases, as the environment names them or as the running demo left word of them.

    MONOLITH_SEEN_FROM_SCHEDULING and SCHEDULING_SEEN_FROM_MONOLITH, each host:port, say how the servers reach one
    another where that differs.

    Raises CommandError.
    """
    monolith, scheduling = deployment_environment("monolith"), deployment_environment("scheduling")
    return SchedulingDatabases(
        monolith=SchedulingDatabase(
            "monolith",
            without_credentials(monolith["MONOLITH_DATABASE_URL"]),
            monolith["DATABASE_ROLE_SECRET"],
            monolith.get("MONOLITH_SEEN_FROM_SCHEDULING"),
        ),
        scheduling=SchedulingDatabase(
            "scheduling",
            without_credentials(scheduling["SCHEDULING_DATABASE_URL"]),
            scheduling["DATABASE_ROLE_SECRET"],
            scheduling.get("SCHEDULING_SEEN_FROM_MONOLITH"),
        ),
    )


@contextmanager
def open_moving() -> Iterator[Moving]:
    """Raises CommandError, one line with the remedy, for a database that does not answer."""
    sides = sides_of_deployment()
    service = deployment_environment("monolith").get("SCHEDULING_SERVICE_URL", "")
    guards = PreflightChecks(sides, readiness_probe(service))
    try:
        with Controller(sides, guards) as controller:
            yield Moving(sides, guards, controller)
    except psycopg.OperationalError as error:
        raise CommandError(
            f"a database of the move cannot be used ({' '.join(str(error).split())}): "
            "a move that is under way is ended by `extraction cutover resume`, or by the keeper"
        ) from error
