"""Composition of the services for one operator's session."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg

from monolith.cutover.databases import SchedulingDatabases
from monolith.cutover.preflight import ReadinessProbe
from monolith.cutover.service.check_report import CheckReport
from monolith.cutover.service.cutovers import CutoverService
from monolith.cutover.service.database_service import DatabaseService
from monolith.cutover.service.directory import BusinessDirectory
from monolith.cutover.service.errors import CutoverDatabaseUnavailable
from monolith.cutover.service.extraction import ExtractionService
from monolith.cutover.service.finalization import FinalizationMark
from monolith.cutover.service.flags import AdapterSetting, ShadowSetting
from monolith.cutover.service.new_businesses import NewBusinesses
from monolith.cutover.service.recovery_service import RecoveryService
from monolith.cutover.service.verification_service import VerificationService
from monolith.cutover.store.shadow_results import ShadowResultStore
from monolith.modules.auth.api import AuthApi
from monolith.modules.billing.api import BillingApi
from monolith.shared.database import ModuleDatabase
from monolith.shared.flags.store import FlagStore


@dataclass(frozen=True, slots=True)
class ControlPlane:
    """Everything an operator can read and change. Not thread-safe: open one for each session."""

    directory: BusinessDirectory
    adapter: AdapterSetting
    new_businesses: NewBusinesses
    shadow: ShadowSetting
    shadow_results: ShadowResultStore
    cutovers: CutoverService
    checks: CheckReport
    verification: VerificationService
    extraction: ExtractionService
    databases: DatabaseService
    recovery: RecoveryService
    audit: FlagStore


@contextmanager
def open_control_plane(
    platform: ModuleDatabase,
    cutover: ModuleDatabase,
    auth: AuthApi,
    billing: Callable[[], BillingApi],
    databases: Callable[[], SchedulingDatabases],
    readiness: ReadinessProbe,
) -> Iterator[ControlPlane]:
    """`platform` has role `platform_app`, `cutover` has role `cutover_app`. `databases` is called only by operations
    that use both databases.

    Raises CutoverDatabaseUnavailable for one of these two, and DatabaseUnavailable for the other arguments.
    """
    flags, directory = FlagStore(platform), BusinessDirectory(auth, cutover)
    adapter = AdapterSetting(flags)
    cutovers = CutoverService(databases, readiness, directory, adapter)
    shadow = ShadowSetting(flags, cutovers.require_extraction)
    extraction = ExtractionService(databases, cutovers, FinalizationMark(flags), shadow)
    try:
        yield ControlPlane(
            directory,
            adapter,
            NewBusinesses(flags, cutover, adapter),
            shadow,
            ShadowResultStore(cutover),
            cutovers,
            CheckReport(databases, readiness, cutovers),
            VerificationService(directory, billing, cutovers),
            extraction,
            DatabaseService(databases, directory, cutovers, extraction),
            RecoveryService(databases, cutovers),
            flags,
        )
    except psycopg.OperationalError as error:
        raise CutoverDatabaseUnavailable(" ".join(str(error).split())) from error
    finally:
        cutovers.close()
