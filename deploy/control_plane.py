"""The extraction's control plane, opened for the deployment that a command addresses."""

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager

from contracts.chassis.credentials import without_credentials
from contracts.chassis.settings import ConfigError
from deploy.deployment import deployment_environment, direct_url, unreachable_database
from deploy.errors import CommandError
from monolith.cutover.databases import SchedulingDatabase, SchedulingDatabases
from monolith.cutover.finalize import FinalizeRefused
from monolith.cutover.preflight import ReadinessProbe
from monolith.cutover.readiness import readiness_probe
from monolith.cutover.registry import with_registry
from monolith.cutover.replication import ReplicationRefused
from monolith.cutover.scheduling_flag import requesting
from monolith.cutover.service import (
    BatchStopped,
    BusinessesElsewhere,
    ControlPlane,
    CutoverDatabaseUnavailable,
    CutoverNotAbortable,
    DatabasesPaired,
    ExtractionFinalized,
    NoCutoverUnderWay,
    NothingReplicated,
    OperationError,
    OperationInProgress,
    RecoveryInProgress,
    UnknownBusiness,
    UnknownDatabase,
    open_control_plane,
)
from monolith.cutover.store.servers import RecoveryRequired
from monolith.operators import operators_auth, operators_billing
from monolith.shared.database import DatabaseUnavailable, ModuleDatabase

_REMEDIES: Mapping[type[OperationError], str] = {
    UnknownBusiness: "`extraction status` lists them",
    UnknownDatabase: "`extraction databases list` names them",
    DatabasesPaired: "stop that with `extraction replicate stop --between`, and the names of the two",
    BusinessesElsewhere: "`extraction databases drain` moves them to scheduling",
    NoCutoverUnderWay: "`extraction cutover status` shows the latest cutovers",
    CutoverDatabaseUnavailable: "a cutover that is under way is ended by the cutover daemon, or by "
    "`extraction cutover resume`",
    OperationInProgress: "wait for its end, or end that process",
    RecoveryInProgress: "wait for it, or end its process: until it is complete, no write is accepted",
    NothingReplicated: "`extraction replicate start` copies every business",
    ExtractionFinalized: "`extraction replicate start --after-finalize` begins a new one, with a new first copy",
}


@contextmanager
def control_plane() -> Iterator[ControlPlane]:
    """Open it for the deployment that the environment names, or for the running demo.

    Raises CommandError, one line with the remedy, for every error of the control plane.
    """
    monolith = deployment_environment("monolith")
    url, secret = monolith["MONOLITH_DATABASE_URL"], monolith["DATABASE_ROLE_SECRET"]
    probe = readiness_probe(
        monolith.get("SCHEDULING_SERVICE_URL", ""), lambda name: scheduling_databases().service_url_of(name)
    )
    try:
        with connected_control_plane(url, secret, scheduling_databases, probe) as opened:
            yield opened
    except (OperationError, ReplicationRefused, FinalizeRefused, RecoveryRequired, ConfigError) as error:
        raise CommandError(_describe(error)) from error
    except DatabaseUnavailable as error:
        raise unreachable_database("monolith", error) from error


@contextmanager
def connected_control_plane(
    url: str, secret: str, databases: Callable[[], SchedulingDatabases], readiness: ReadinessProbe
) -> Iterator[ControlPlane]:
    """Open it with connections of its own to the monolith's database at `url`.

    Raises the errors of `open_control_plane`.
    """
    with ExitStack() as stack:
        platform, cutover = (
            stack.enter_context(closing(ModuleDatabase(url, role=role, secret=secret, pool_size=1)))
            for role in ("platform_app", "cutover_app")
        )
        auth = operators_auth(url, secret)
        yield stack.enter_context(
            open_control_plane(platform, cutover, auth, lambda: operators_billing(url, secret), databases, readiness)
        )


def scheduling_databases() -> SchedulingDatabases:
    """The databases of the deployment: two from its settings, and those that are registered.

    MONOLITH_SEEN_FROM_SCHEDULING and SCHEDULING_SEEN_FROM_MONOLITH, each host:port, are the addresses by which the
    servers reach each other, where these differ. Raises CommandError.
    """
    monolith, scheduling = deployment_environment("monolith"), deployment_environment("scheduling")
    return with_registry(
        SchedulingDatabase(
            "monolith",
            without_credentials(direct_url("monolith", monolith)),
            monolith["DATABASE_ROLE_SECRET"],
            monolith.get("MONOLITH_SEEN_FROM_SCHEDULING"),
        ),
        SchedulingDatabase(
            "scheduling",
            without_credentials(direct_url("scheduling", scheduling)),
            scheduling["DATABASE_ROLE_SECRET"],
            scheduling.get("SCHEDULING_SEEN_FROM_MONOLITH"),
        ),
        os.environ,
    )


def _describe(error: Exception) -> str:
    if isinstance(error, CutoverNotAbortable):
        return (
            f"{error}: complete it with `extraction cutover resume {error.slug}`; afterwards "
            f"`extraction flag set {requesting(error.source)} --business {error.slug}` moves the business back"
        )
    if isinstance(error, ReplicationRefused):
        return f"replication was not started: {error}"
    if isinstance(error, FinalizeRefused):
        return f"{f'only {error.deleted:,} rows were' if error.deleted else 'nothing was'} deleted: {error}"
    if isinstance(error, BatchStopped) and "`extraction " not in error.reason:
        return f"{error}: see `extraction cutover status`"
    remedy = next((text for kind, text in _REMEDIES.items() if isinstance(error, kind)), None)
    return str(error) if remedy is None else f"{error}: {remedy}"
