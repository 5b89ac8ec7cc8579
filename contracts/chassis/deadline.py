"""Deadlines of requests."""

import time
from typing import Self


class Deadline:
    """A point on this process's monotonic clock. Across the wire it travels as the remaining time."""

    __slots__ = ("_at",)

    def __init__(self, at: float) -> None:
        self._at = at

    @classmethod
    def after(cls, seconds: float) -> Self:
        """Return the deadline that lies `seconds` from now."""
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Return the seconds left; negative after the deadline."""
        return self._at - time.monotonic()

    def expired(self) -> bool:
        """Return whether the deadline has passed."""
        return self.remaining() <= 0

    def capped(self, seconds: float) -> "Deadline":
        """Return the earlier of this deadline and the one `seconds` from now."""
        return Deadline(min(self._at, time.monotonic() + seconds))
