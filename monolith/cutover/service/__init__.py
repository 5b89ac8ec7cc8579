"""Operations of the extraction, for every interface: the command line and a console."""

from monolith.cutover.service.control_plane import ControlPlane, open_control_plane
from monolith.cutover.service.cutovers import CutoverService
from monolith.cutover.service.errors import (
    BatchStopped,
    BusinessesElsewhere,
    CutoverDatabaseUnavailable,
    CutoverNotAbortable,
    DatabaseRefused,
    DatabasesPaired,
    ExtractionFinalized,
    NoCutoverUnderWay,
    NothingReplicated,
    OperationError,
    OperationInProgress,
    RecoveryInProgress,
    RehearsalFailed,
    ReplicationStopIncomplete,
    UnknownBusiness,
    UnknownDatabase,
)
from monolith.cutover.service.pauses import write_pause_ms
from monolith.cutover.service.requests import CutoverRequest, RollbackRequest, Selection

__all__ = [
    "BatchStopped",
    "BusinessesElsewhere",
    "ControlPlane",
    "CutoverDatabaseUnavailable",
    "CutoverNotAbortable",
    "CutoverRequest",
    "CutoverService",
    "DatabaseRefused",
    "DatabasesPaired",
    "ExtractionFinalized",
    "NoCutoverUnderWay",
    "NothingReplicated",
    "OperationError",
    "OperationInProgress",
    "RecoveryInProgress",
    "RehearsalFailed",
    "ReplicationStopIncomplete",
    "RollbackRequest",
    "Selection",
    "UnknownBusiness",
    "UnknownDatabase",
    "open_control_plane",
    "write_pause_ms",
]
