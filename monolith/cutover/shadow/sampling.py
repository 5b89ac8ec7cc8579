"""Which reads are shadowed."""

import random
import time
from collections.abc import Callable
from uuid import UUID

CACHE_SECONDS = 0.5
"""A flag system takes some 25 us to answer, a look into a dictionary less than one."""


class ReadSampler:
    """Draws by chance from the reads of each business, by the percentage that `percent_for` answers for it."""

    def __init__(self, percent_for: Callable[[UUID], float]) -> None:
        self._percent_for = percent_for
        self._known: dict[UUID, float] = {}
        self._until = 0.0

    def selects(self, business_id: UUID) -> bool:
        now = time.monotonic()
        if now >= self._until:
            # All of it is forgotten at once, so that it never holds more than a moment's businesses.
            self._known, self._until = {}, now + CACHE_SECONDS
        percent = self._known.get(business_id)
        if percent is None:
            percent = self._known[business_id] = self._percent_for(business_id)
        return percent > 0 and random.random() * 100 < percent  # noqa: S311
