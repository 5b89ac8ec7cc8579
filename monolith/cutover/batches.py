"""Cut over many businesses one after another, in batches. The first failure stops the rest."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final
from uuid import UUID

from monolith.cutover.store.cutovers import Cutover


@dataclass
class BatchOutcome:
    """The result of a batch run.

    `moved` is in order; `stopped_by` is the failed business with the reason; `left` were not attempted.
    """

    moved: list[Cutover] = field(default_factory=list)
    stopped_by: tuple[UUID, str] | None = None
    left: list[UUID] = field(default_factory=list)


def cut_over_in_batches(
    businesses: Sequence[UUID],
    batch_size: int,
    cut_over: Callable[[UUID], Cutover],
    check: Callable[[UUID], str | None],
) -> BatchOutcome:
    """Cut over `batch_size` businesses, check each of them, and continue with the next batch.

    `check` returns a problem or None. Completed cutovers are kept when a later one fails.
    """
    outcome = BatchOutcome(left=list(businesses))
    for first in range(0, len(businesses), batch_size):
        batch = businesses[first : first + batch_size]
        for business_id in batch:
            finished = cut_over(business_id)
            outcome.left.remove(business_id)
            if finished.state != "active":
                outcome.stopped_by = (business_id, finished.problem or finished.state)
                return outcome
            outcome.moved.append(finished)
        for business_id in batch:
            problem = check(business_id)
            if problem is not None:
                outcome.stopped_by = (business_id, problem)
                return outcome
    return outcome


_BUCKETS: Final = 10_000


def within_percent(business_id: UUID, percent: float) -> bool:
    """Return whether a business is in the first `percent` of a pseudorandom, stable order.

    The selection for 20 % includes the selection for 10 %.
    """
    bucket = int.from_bytes(blake2b(business_id.bytes, digest_size=8).digest()) % _BUCKETS
    return bucket < percent * _BUCKETS / 100
