"""Every kind of change, by name."""

from collections.abc import Mapping

from deploy.console.changes.change import OperatorChange
from deploy.console.changes.cutover_changes import AbortCutover, MoveBusiness, MoveMany, ResumeCutover
from deploy.console.changes.event_changes import ReplayLetters
from deploy.console.changes.flag_changes import SetDefault, SetShadow
from deploy.console.changes.replication_changes import ResetExtraction, StartReplication, StopReplication
from deploy.console.changes.verification_changes import Verify

_ALL: tuple[type[OperatorChange], ...] = (
    SetDefault,
    MoveBusiness,
    MoveMany,
    AbortCutover,
    ResumeCutover,
    Verify,
    StartReplication,
    StopReplication,
    ResetExtraction,
    SetShadow,
    ReplayLetters,
)
ChangeKinds = Mapping[str, type[OperatorChange]]
"""The kinds of change that a console offers, by name."""

CHANGES: ChangeKinds = {each.kind: each for each in _ALL}
