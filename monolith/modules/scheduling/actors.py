"""Mapping of principals to scheduling actors."""

from uuid import UUID

from contracts.scheduling.context import ANONYMOUS, Actor
from monolith.shared.endpoints import Principal


def actor_for(business_id: UUID, principal: Principal | None) -> Actor:
    """Return the actor for the principal's role in this business; anonymous without a role there."""
    role = principal.role_in(business_id) if principal else None
    if principal is None or role is None:
        return ANONYMOUS
    return Actor("customer" if role == "customer" else "staff", principal.user_id)
