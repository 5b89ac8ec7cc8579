"""Every kind of change, by name."""

from collections.abc import Mapping

from deploy.console.changes.change import Change
from deploy.console.changes.cutover_changes import AbortCutover, MoveBusiness, MoveMany, ResumeCutover, Verify
from deploy.console.changes.event_changes import ReplayLetters
from deploy.console.changes.flag_changes import SetDefault, SetShadow
from deploy.console.changes.replication_changes import StartReplication, StopReplication

_ALL: tuple[type[Change], ...] = (
    SetDefault,
    MoveBusiness,
    MoveMany,
    AbortCutover,
    ResumeCutover,
    Verify,
    StartReplication,
    StopReplication,
    SetShadow,
    ReplayLetters,
)
CHANGES: Mapping[str, type[Change]] = {each.kind: each for each in _ALL}
