"""The prices that visitors see."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from monolith.modules.billing.api import PriceList

SECONDS: Final = 2.0
_MOST: Final = 10_000

Prices = Mapping[UUID, tuple[int, str]]
"""Amount in minor units and currency, by service; free services are left out."""


class ShownPrices:
    """Reads the prices of a business, at most every two seconds. Thread-safe.

    Every page of the booking site shows prices, and reading them takes a transaction of its own. They are for display:
    what is charged is decided by billing, at the time of the booking.
    """

    def __init__(self, read: Callable[[UUID], PriceList], seconds: float = SECONDS) -> None:
        self._read_now = read
        self._seconds = seconds
        self._read: dict[UUID, tuple[float, Prices]] = {}
        self._lock = threading.Lock()

    def of(self, business_id: UUID) -> Prices:
        """Return the prices, at most two seconds old. Raises DatabaseUnavailable."""
        known = self._read.get(business_id)
        if known is not None and time.monotonic() < known[0]:
            return known[1]
        asked_at = time.monotonic()
        prices = self._read_now(business_id).prices
        shown = {each.offering_id: (each.amount_minor, each.currency) for each in prices if each.amount_minor}
        with self._lock:
            self._read.pop(business_id, None)
            if len(self._read) >= _MOST:
                del self._read[next(iter(self._read))]
            self._read[business_id] = (asked_at + self._seconds, shown)
        return shown
