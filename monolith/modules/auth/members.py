"""The owners and staff of a business."""

from uuid import UUID

from sqlalchemy import Connection

from monolith.modules.auth.member_models import Member
from monolith.modules.auth.models import TokenRole
from monolith.modules.auth.repository import accounts, invitations, memberships, sessions, tokens
from monolith.modules.auth.sessions import Sessions
from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import ApiError, BusinessRef
from monolith.shared.endpoints.errors import forbidden, not_found
from monolith.shared.localization import N_


class Members:
    """Changes and removes members. Invitations add them. A business always keeps an owner."""

    def __init__(self, database: ModuleDatabase, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions

    def of_business(self, business: BusinessRef) -> list[Member]:
        """Return the owners, then the staff, then the readers, each sorted by name."""
        return self._database.query(lambda connection: memberships.staff(connection, business.business_id))

    def change_role(self, business: BusinessRef, changer: UUID, user_id: UUID, role: TokenRole) -> None:
        """Change the role of a member. Idempotent.

        A former owner loses the API tokens and invitations made as owner, and an open invitation to the member's
        address ends: it could restore the former role. Raises ApiError 404 if the user is no member, and 409 for the
        last owner.
        """
        with self._database.transaction() as connection:
            if not accounts.lock(connection, user_id):
                raise not_found("member")
            current = self._lock_member(connection, business, changer, user_id)
            invitations.revoke_to_member(connection, business.business_id, user_id)
            if current == role:
                return
            if current == "owner":
                _require_other_owner(connection, business, user_id)
                _end_powers(connection, business, user_id)
            memberships.set_role(connection, business.business_id, user_id, role)
        self._sessions.report_ended([user_id, business.business_id])

    def remove(self, business: BusinessRef, changer: UUID, user_id: UUID) -> None:
        """Remove a member, who stays a customer of the business, and end what the membership has made.

        That is: all sessions of the user, the API tokens and invitations that the user made in the business, and an
        open invitation to the user's address.
        Raises ApiError 404 if the user is no member, and 409 for the last owner.
        """
        with self._database.transaction() as connection:
            if self._lock_member(connection, business, changer, user_id) == "owner":
                _require_other_owner(connection, business, user_id)
            memberships.set_role(connection, business.business_id, user_id, "customer")
            _end_powers(connection, business, user_id)
            invitations.revoke_to_member(connection, business.business_id, user_id)
            ended = sessions.end_all(connection, [user_id])
        self._sessions.report_ended([*ended, business.business_id])

    def _lock_member(self, connection: Connection, business: BusinessRef, changer: UUID, user_id: UUID) -> TokenRole:
        """Return the role of the member, which no other transaction can change until this one ends."""
        memberships.lock(connection, business.business_id)
        require_owner(connection, business, changer)
        role = memberships.role_of(connection, business.business_id, user_id)
        if role is None or role == "customer":
            raise not_found("member")
        return role


def require_owner(connection: Connection, business: BusinessRef, user_id: UUID) -> None:
    """Raise ApiError 403 if the user no longer owns the business, such as after a concurrent removal."""
    if memberships.role_of(connection, business.business_id, user_id) != "owner":
        raise forbidden()


def _require_other_owner(connection: Connection, business: BusinessRef, user_id: UUID) -> None:
    if not memberships.has_other_owner(connection, business.business_id, user_id):
        message = N_("A business needs an owner. Make another member an owner first.")
        raise ApiError(409, "last_owner", message)


def _end_powers(connection: Connection, business: BusinessRef, user_id: UUID) -> None:
    """End what the member has made as owner and what would still act for it."""
    tokens.revoke_of_member(connection, business.business_id, user_id)
    invitations.revoke_of_inviter(connection, business.business_id, user_id)
