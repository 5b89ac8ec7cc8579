"""How often somebody may try. State is bounded, and no refusal lasts longer than the attempts that caused it.

Each subject (an account, an address) has an allowance that is used up by attempts and comes back with time. Subjects
share a fixed number of buckets, so no flood of names or addresses can make the table grow.
"""

import hashlib
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection

from monolith.modules.auth.repository import throttles
from monolith.shared.database import Database
from monolith.shared.endpoints import ApiError

BUCKETS = 1 << 16


@dataclass(frozen=True, slots=True)
class Limit:
    """`burst` attempts at once, and one more after each `seconds`."""

    kind: str
    burst: int
    seconds: float

    @property
    def cost(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    @property
    def allowance(self) -> timedelta:
        return timedelta(seconds=self.seconds * (self.burst - 1))


PASSWORD_OF_ACCOUNT = Limit("password of account", burst=10, seconds=20)
PASSWORD_FROM_ADDRESS = Limit("password from address", burst=50, seconds=2)
"""Many people may share an address; those who know their password do not use the allowance up."""

NEW_ACCOUNT_FROM_ADDRESS = Limit("new account from address", burst=200, seconds=2)


class Throttle:
    """Attempts are charged before they are made, so that attempts made at once do not slip through together."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def charge(self, *attempts: tuple[Limit, str]) -> None:
        """Raises ApiError 429, and charges nothing, when one of the allowances is used up.

        Callers name an address before an account, so that no two of them wait for each other.
        """
        with self._database.transaction() as connection:
            for limit, subject in attempts:
                wait = throttles.charge(
                    connection, limit.kind, _bucket(subject), cost=limit.cost, allowance=limit.allowance
                )
                if wait is not None:
                    raise _too_many(wait)

    def refund(self, connection: Connection, *attempts: tuple[Limit, str]) -> None:
        """The attempts succeeded, so they do not count. In the same order as charged."""
        for limit, subject in attempts:
            throttles.refund(connection, limit.kind, _bucket(subject), limit.cost)


def _bucket(subject: str) -> int:
    return int.from_bytes(hashlib.sha256(subject.encode()).digest()[:4]) % BUCKETS


def _too_many(wait: float) -> ApiError:
    message = "Too many attempts. Please wait a moment and try again."
    return ApiError(429, "too_many_attempts", message, retry_after=wait)
