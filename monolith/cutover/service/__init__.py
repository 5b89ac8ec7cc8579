"""Operations of the extraction, for every interface: the command line and a console."""

from monolith.cutover.service.control_plane import ControlPlane, open_control_plane
from monolith.cutover.service.cutovers import CutoverService
from monolith.cutover.service.errors import (
    BatchStopped,
    CutoverDatabaseUnavailable,
    CutoverNotAbortable,
    ExtractionFinalized,
    NoCutoverUnderWay,
    NothingReplicated,
    OperationError,
    RehearsalFailed,
    ReplicationStopIncomplete,
    UnknownBusiness,
)
from monolith.cutover.service.pauses import write_pause_ms
from monolith.cutover.service.requests import CutoverRequest, RollbackRequest, Selection

__all__ = [
    "BatchStopped",
    "ControlPlane",
    "CutoverDatabaseUnavailable",
    "CutoverNotAbortable",
    "CutoverRequest",
    "CutoverService",
    "ExtractionFinalized",
    "NoCutoverUnderWay",
    "NothingReplicated",
    "OperationError",
    "RehearsalFailed",
    "ReplicationStopIncomplete",
    "RollbackRequest",
    "Selection",
    "UnknownBusiness",
    "open_control_plane",
    "write_pause_ms",
]
