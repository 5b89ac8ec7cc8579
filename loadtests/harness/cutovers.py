"""Cutovers on the bench's servers: the two databases, moving a business, and the write pause of a cutover."""

from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from contracts.chassis.credentials import without_credentials
from contracts.scheduling.values import DatabaseName
from deploy.errors import CommandError
from loadtests.harness.bench_servers import BenchServers
from monolith.cutover.controller import Controller
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.preflight import PreflightChecks
from monolith.cutover.store.cutovers import Cutover


class WritePause(NamedTuple):
    """The interval in which a cutover accepts no writes, in seconds since 1970."""

    begins: float
    ends: float

    @property
    def milliseconds(self) -> float:
        return (self.ends - self.begins) * 1000


def cutover_databases(servers: BenchServers) -> SchedulingDatabases:
    """Return both scheduling databases of these servers."""
    return SchedulingDatabases(
        SchedulingDatabase(
            "monolith", without_credentials(servers.target("monolith").url), servers.keys.monolith_role_secret
        ),
        SchedulingDatabase(
            "scheduling", without_credentials(servers.target("scheduling").url), servers.keys.scheduling_role_secret
        ),
    )


def unguarded_controller(databases: SchedulingDatabases) -> Controller:
    """Return a controller whose preflight checks do not probe the web processes."""
    return Controller(databases, PreflightChecks(databases, lambda database: None))


def cut_over_to_other(
    controller: Controller, business_id: UUID, source: DatabaseName, *, fence_seconds: float, actor: str, reason: str
) -> Cutover:
    """Move a business away from `source`. Raises CommandError when the cutover does not become active."""
    target = "scheduling" if source == "monolith" else "monolith"
    cutover = controller.cut_over(business_id, source, target, fence_seconds=fence_seconds, actor=actor, reason=reason)
    if cutover.state != "active":
        raise CommandError(f"business {business_id} could not be moved to {target}: {cutover.problem}")
    return cutover


def owner_of(databases: SchedulingDatabases, business_id: UUID) -> DatabaseName:
    """Return the owner of a seeded business."""
    with databases.control_db() as control_db:
        row = control_db.execute(
            "SELECT owner FROM cutover.ownership WHERE business_id = %s", (business_id,)
        ).fetchone()
    assert row is not None, "the business was seeded"
    owner: DatabaseName = row[0]
    return owner


def pause_of(cutover: Cutover) -> WritePause:
    """Return the pause of a completed cutover, from its request to fence until the new owner's lease is active."""
    at = {step["state"]: datetime.fromisoformat(step["at"]).timestamp() for step in cutover.steps}
    return WritePause(at["fenced"], at["active"])
