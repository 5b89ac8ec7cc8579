"""Requests of an operator to the control plane."""

from dataclasses import dataclass
from typing import NamedTuple

from contracts.scheduling.values import DatabaseName
from monolith.cutover.rollback.thresholds import RollbackThresholds
from monolith.cutover.scheduling_flag import FlagValue


@dataclass(frozen=True, slots=True)
class Selection:
    """The businesses to cut over: one by its slug, or all, or a stable share of all."""

    slug: str | None = None
    percent: float | None = None

    @property
    def is_every_business(self) -> bool:
        return self.slug is None and self.percent is None


class RollbackRequest(NamedTuple):
    """Automatic rollback after a cutover: the thresholds, and how long the business is observed."""

    thresholds: RollbackThresholds
    observe_seconds: float


@dataclass(frozen=True, slots=True)
class CutoverRequest:
    """Move businesses to `target`. `batch_size` businesses are moved before they are compared again.

    A cutover whose writes would have to wait longer than `fence_seconds` is aborted. `actor` and `reason` are audited.
    """

    target: DatabaseName
    actor: str
    reason: str
    batch_size: int = 10
    fence_seconds: float = 2.0
    rollback: RollbackRequest | None = None
    default: FlagValue | None = None
    """For a move of every business: the flag's default afterwards; None for the adapter of `target`."""
