"""The selection of reads to shadow."""

import random
import time
from collections.abc import Callable
from uuid import UUID

CACHE_SECONDS = 0.5
"""A flag evaluation takes about 25 us, a dictionary lookup less than 1 us."""


class ReadSampler:
    """Select reads of a business at random, with the percentage that `percent_for` returns for it."""

    def __init__(self, percent_for: Callable[[UUID], float]) -> None:
        self._percent_for = percent_for
        self._known: dict[UUID, float] = {}
        self._until = 0.0

    def selects(self, business_id: UUID) -> bool:
        now = time.monotonic()
        if now >= self._until:
            # Clear the whole cache at once, so that it stays small.
            self._known, self._until = {}, now + CACHE_SECONDS
        percent = self._known.get(business_id)
        if percent is None:
            percent = self._known[business_id] = self._percent_for(business_id)
        return percent > 0 and random.random() * 100 < percent  # noqa: S311
