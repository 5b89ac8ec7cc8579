"""Many businesses, one after the other, in waves: the first that fails stops the rest, which stay where they are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from uuid import UUID

from monolith.cutover.store.cutovers import Cutover

Verdict = str | None
"""What is wrong with a business that was moved, in words; None when nothing is."""


@dataclass
class BatchOutcome:
    """`moved` in order; `stopped_by` is the business that failed, with the reason; `left` were not tried."""

    moved: list[Cutover] = field(default_factory=list)
    stopped_by: tuple[UUID, str] | None = None
    left: list[UUID] = field(default_factory=list)


def cut_over_in_batches(
    businesses: Sequence[UUID],
    wave: int,
    cutover: Callable[[UUID], Cutover],
    check: Callable[[UUID], Verdict],
) -> BatchOutcome:
    """Move `wave` businesses, check each of them, then the next wave. What was moved stays moved when one fails."""
    outcome = BatchOutcome(left=list(businesses))
    for first in range(0, len(businesses), wave):
        together = businesses[first : first + wave]
        for business_id in together:
            moved = cutover(business_id)
            outcome.left.remove(business_id)
            if moved.state != "active":
                outcome.stopped_by = (business_id, moved.problem or moved.state)
                return outcome
            outcome.moved.append(moved)
        for business_id in together:
            wrong = check(business_id)
            if wrong is not None:
                outcome.stopped_by = (business_id, wrong)
                return outcome
    return outcome


_PARTS: Final = 10_000


def within_percent(business_id: UUID, percent: float) -> bool:
    """Whether a business is among the first `percent` of all, in an order that is random but always the same: who
    is among 10 % is also among 20 %."""
    place = int.from_bytes(blake2b(business_id.bytes, digest_size=8).digest()) % _PARTS
    return place < percent * _PARTS / 100
