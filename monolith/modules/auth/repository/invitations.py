"""SQL for invitations to a business."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from sqlalchemy import Connection, text

from monolith.modules.auth.member_models import Invitation
from monolith.modules.auth.models import TokenRole

# invitation_address. Another invitation of the same address replaces the first, whose link becomes invalid.
_INVITE = text("""
    INSERT INTO auth.invitation (invitation_id, business_id, email, role, invited_by, expires_at)
    VALUES (:invitation_id, :business_id, :email, :role, :invited_by, now() + CAST(:valid_for AS interval))
    ON CONFLICT ON CONSTRAINT invitation_address DO UPDATE
    SET invitation_id = excluded.invitation_id, role = excluded.role, invited_by = excluded.invited_by,
        secret_hash = NULL, created_at = now(), expires_at = excluded.expires_at
    RETURNING invitation_id, email, role, created_at, expires_at
""")
# invitation_address
_COUNT = text("SELECT count(*) FROM auth.invitation WHERE business_id = :business_id AND expires_at > now()")
# invitation_address
_OPEN = text("""
    SELECT invitation_id, email, role, created_at, expires_at
    FROM auth.invitation
    WHERE business_id = :business_id AND expires_at > now()
    ORDER BY created_at DESC, invitation_id DESC
""")
# invitation_pkey
_REVOKE = text("DELETE FROM auth.invitation WHERE business_id = :business_id AND invitation_id = :invitation_id")
_WITH_NAMES = """
    SELECT invitation_id, business_id, slug, business.name AS business_name, invitation.email, role,
           account.name AS invited_by
    FROM auth.invitation JOIN auth.business USING (business_id) JOIN auth.account ON user_id = invited_by
"""
# invitation_pkey
_BY_ID = text(f"{_WITH_NAMES} WHERE invitation_id = :invitation_id AND expires_at > now()")
# invitation_secret
_BY_SECRET = text(f"{_WITH_NAMES} WHERE secret_hash = :secret_hash AND expires_at > now()")
# invitation_pkey
_SET_SECRET = text("UPDATE auth.invitation SET secret_hash = :secret_hash WHERE invitation_id = :invitation_id")
# invitation_secret. The row lock lets one of several acceptances win.
_ACCEPT = text("DELETE FROM auth.invitation WHERE secret_hash = :secret_hash AND expires_at > now() RETURNING 1")
# invitation_address
_OF_INVITER = text("DELETE FROM auth.invitation WHERE invited_by = :user_id AND business_id = :business_id")
# No index: pruning keeps the table small, and the end of an account's credentials is rare.
_OF_INVITERS = text("DELETE FROM auth.invitation WHERE invited_by = ANY (CAST(:user_ids AS uuid[]))")
# invitation_address
_TO_MEMBER = text("""
    DELETE FROM auth.invitation USING auth.account
    WHERE business_id = :business_id
      AND user_id = :user_id
      AND invitation.email IN (account.email, account.unconfirmed_email)
""")
# invitation_by_expiry
_PRUNE = text("DELETE FROM auth.invitation WHERE expires_at < now()")


@dataclass(frozen=True, slots=True)
class OpenInvitation:
    """An invitation that can be accepted. `invited_by` is a name."""

    invitation_id: UUID
    business_id: UUID
    slug: str
    business_name: str
    email: str
    role: TokenRole
    invited_by: str


def invite(
    connection: Connection,
    *,
    invitation_id: UUID,
    business_id: UUID,
    email: str,
    role: TokenRole,
    invited_by: UUID,
    valid_for: timedelta,
) -> Invitation:
    """Store an invitation, in place of an earlier one of the same address."""
    values = {
        "invitation_id": invitation_id,
        "business_id": business_id,
        "email": email,
        "role": role,
        "invited_by": invited_by,
        "valid_for": valid_for,
    }
    return Invitation(**connection.execute(_INVITE, values).one()._mapping)


def count(connection: Connection, business_id: UUID) -> int:
    number: int = connection.execute(_COUNT, {"business_id": business_id}).scalar_one()
    return number


def of_business(connection: Connection, business_id: UUID) -> list[Invitation]:
    """Return the invitations that can still be accepted, newest first."""
    return [Invitation(**row._mapping) for row in connection.execute(_OPEN, {"business_id": business_id})]


def revoke(connection: Connection, business_id: UUID, invitation_id: UUID) -> bool:
    """Delete an invitation; return false if the business has no such invitation."""
    values = {"business_id": business_id, "invitation_id": invitation_id}
    return connection.execute(_REVOKE, values).rowcount == 1


def revoke_of_inviter(connection: Connection, business_id: UUID, user_id: UUID) -> None:
    """Delete the invitations that a member has sent."""
    connection.execute(_OF_INVITER, {"business_id": business_id, "user_id": user_id})


def revoke_of_inviters(connection: Connection, user_ids: Sequence[UUID]) -> None:
    """Delete the invitations that the users have sent, to any business."""
    connection.execute(_OF_INVITERS, {"user_ids": list(user_ids)})


def revoke_to_member(connection: Connection, business_id: UUID, user_id: UUID) -> None:
    """Delete the invitation to the business that was sent to the user's address."""
    connection.execute(_TO_MEMBER, {"business_id": business_id, "user_id": user_id})


def by_id(connection: Connection, invitation_id: UUID) -> OpenInvitation | None:
    row = connection.execute(_BY_ID, {"invitation_id": invitation_id}).one_or_none()
    return None if row is None else OpenInvitation(**row._mapping)


def by_secret(connection: Connection, secret_hash: bytes) -> OpenInvitation | None:
    row = connection.execute(_BY_SECRET, {"secret_hash": secret_hash}).one_or_none()
    return None if row is None else OpenInvitation(**row._mapping)


def set_secret(connection: Connection, invitation_id: UUID, secret_hash: bytes) -> None:
    """Store the hash of the link's secret, in place of that of an earlier mail."""
    connection.execute(_SET_SECRET, {"invitation_id": invitation_id, "secret_hash": secret_hash})


def accept(connection: Connection, secret_hash: bytes) -> bool:
    """Use up the invitation; return false if it is gone."""
    return connection.execute(_ACCEPT, {"secret_hash": secret_hash}).rowcount == 1


def prune(connection: Connection) -> None:
    connection.execute(_PRUNE)
