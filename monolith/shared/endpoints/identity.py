"""Who calls, and which business is meant."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

Role = Literal["owner", "staff", "customer"]


@dataclass(frozen=True, slots=True)
class Principal:
    """A person with a session, or a program with an API token.

    For a token, `user_id` is the token's own id, it has a role in one business, and it is never an operator.
    `fresh_login` says that the person gave their password within the last 15 minutes.
    """

    user_id: UUID
    kind: Literal["user", "token"]
    roles: Mapping[UUID, Role]
    session_id: UUID | None = None
    is_operator: bool = False
    fresh_login: bool = False

    def role_in(self, business_id: UUID) -> Role | None:
        return self.roles.get(business_id)


@dataclass(frozen=True, slots=True)
class BusinessRef:
    """A business as other modules know it. `zone` is an IANA name, `currency` an ISO 4217 code."""

    business_id: UUID
    slug: str
    name: str
    zone: str
    currency: str
