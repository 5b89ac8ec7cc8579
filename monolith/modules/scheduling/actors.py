"""Who a caller of the monolith is to scheduling."""

from uuid import UUID

from contracts.scheduling.context import ANONYMOUS, Actor
from monolith.shared.endpoints import Principal


def actor_for(business_id: UUID, principal: Principal | None) -> Actor:
    """By their role in this business; whoever has none there is anonymous, wherever else they have one."""
    role = principal.role_in(business_id) if principal else None
    if principal is None or role is None:
        return ANONYMOUS
    return Actor("customer" if role == "customer" else "staff", principal.user_id)
