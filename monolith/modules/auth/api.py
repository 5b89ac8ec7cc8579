"""What the rest of the product may ask of auth. Nothing else of this package is for other modules."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol
from uuid import UUID

from monolith.shared.endpoints import BusinessRef, Role


@dataclass(frozen=True, slots=True)
class UserRef:
    """A person. `email` is in lower case."""

    user_id: UUID
    name: str
    email: str


class AuthApi(Protocol):
    """Every method may raise DatabaseUnavailable. None may be called inside a transaction of another module."""

    def user(self, user_id: UUID) -> UserRef | None: ...

    def business(self, business_id: UUID) -> BusinessRef | None: ...

    def business_by_slug(self, slug: str) -> BusinessRef | None: ...

    def businesses(self) -> Sequence[BusinessRef]:
        """All, by slug."""

    def members(self, business_id: UUID, role: Role) -> Sequence[UserRef]:
        """Those with exactly this role, by name, then id."""

    def businesses_opening(self, older_than: timedelta) -> Sequence[BusinessRef]:
        """Those that signed up longer ago than this, by the database's clock, and are not open in scheduling yet."""

    def mark_open(self, business_id: UUID) -> None:
        """Scheduling has opened the business. Idempotent."""

    def make_operator(self, email: str, *, name: str | None = None, password: str | None = None) -> UserRef:
        """Make the account an operator; with `name` and `password`, create it first if there is none. Idempotent.

        An account that exists keeps its name and password. Raises ApiError where there is no account and none can
        be made.
        """
