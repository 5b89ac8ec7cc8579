"""Limits, and what they apply to."""

from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from monolith.shared.endpoints import ApiError
from monolith.shared.localization import N_


@dataclass(frozen=True, slots=True)
class Limit:
    """Allows `burst` attempts at once, and one more every `seconds`."""

    kind: str
    burst: int
    seconds: float

    @property
    def cost(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def allowance(self) -> timedelta:
        return timedelta(seconds=self.seconds * (self.burst - 1))


Attempt = tuple[Limit, str]
"""A limit, and the subject to which it applies."""


class Buckets(Protocol):
    """Counts attempts per limit and subject."""

    def charge(self, *attempts: Attempt, count: int = 1) -> float:
        """Charge all attempts and return 0.0, or charge none and return the seconds until all can be charged.

        Each attempt is charged `count` times at once, if its allowance is not exhausted. One that exceeds what is left
        is not refused, because it could be larger than the whole allowance; later attempts wait until it is restored.
        """


def charge(buckets: Buckets, *attempts: Attempt) -> None:
    """Charge all attempts. Raises ApiError 429, charging nothing, if one of them has to wait."""
    wait = buckets.charge(*attempts)
    if wait > 0:
        raise too_many(wait)


def too_many(wait: float) -> ApiError:
    """Return the error for attempts that have to wait, in seconds."""
    message = N_("Too many attempts. Please wait a moment and try again.")
    return ApiError(429, "too_many_attempts", message, retry_after=wait)
