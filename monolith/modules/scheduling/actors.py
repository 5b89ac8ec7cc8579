"""Mapping of principals to scheduling actors."""

from uuid import UUID

from contracts.scheduling.context import ANONYMOUS, Actor
from monolith.shared.endpoints import Principal


def actor_for(business_id: UUID, principal: Principal | None, *, writes: bool = False) -> Actor:
    """Return the actor for the principal's role in this business; anonymous without a role there.

    A reader reads as staff, but writes as a customer, whose appointments are the reader's own only. A program with the
    role of a reader writes nothing.
    """
    role = principal.role_in(business_id) if principal else None
    if principal is None or role is None:
        return ANONYMOUS
    if role == "reader" and writes:
        return ANONYMOUS if principal.kind == "token" else Actor("customer", principal.user_id)
    return Actor("customer" if role == "customer" else "staff", principal.user_id)
