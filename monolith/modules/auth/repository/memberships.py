"""SQL for memberships: who belongs to a business, and in which role."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from monolith.modules.auth.api import UserRef
from monolith.modules.auth.member_models import Member
from monolith.modules.auth.models import TokenRole
from monolith.shared.endpoints import BusinessRef, Role

# membership_pkey. Never lowers a role: staff who also book stay staff.
_JOIN = text("""
    INSERT INTO auth.membership (business_id, user_id, role)
    VALUES (:business_id, :user_id, :role)
    ON CONFLICT (business_id, user_id) DO UPDATE
    SET role = CASE
        WHEN membership.role = 'customer' OR excluded.role = 'owner' THEN excluded.role
        WHEN membership.role = 'reader' AND excluded.role = 'staff' THEN excluded.role
        ELSE membership.role
    END
    RETURNING role
""")
# membership_pkey
_WITH_ROLE = text("""
    SELECT user_id, name, coalesce(email, unconfirmed_email, '') AS email, email IS NOT NULL AS confirmed
    FROM auth.membership JOIN auth.account USING (user_id)
    WHERE business_id = :business_id AND role = :role
    ORDER BY name, user_id
""")
# membership_pkey
_STAFF = text("""
    SELECT user_id, name, email, role, membership.created_at AS since
    FROM auth.membership JOIN auth.account USING (user_id)
    WHERE business_id = :business_id AND role IN ('owner', 'staff', 'reader')
    ORDER BY array_position(ARRAY['owner', 'staff', 'reader'], role), name, user_id
""")
# membership_of_user
_OF_USER = text("""
    SELECT business_id, slug, business.name, zone, currency, role
    FROM auth.membership JOIN auth.business USING (business_id)
    WHERE user_id = :user_id
    ORDER BY slug
""")
# business_pkey. Changes of owners and of what only owners can do take turns.
_LOCK = text("SELECT 1 FROM auth.business WHERE business_id = :business_id FOR NO KEY UPDATE")
# membership_of_user and business_pkey, in the order of the ids, which prevents deadlocks.
_LOCK_OWNED = text("""
    SELECT business_id, slug, closed_at IS NOT NULL AS is_closed
    FROM auth.membership JOIN auth.business USING (business_id)
    WHERE user_id = :user_id AND role = 'owner'
    ORDER BY business_id
    FOR NO KEY UPDATE OF business
""")
# membership_pkey
_ROLE = text("SELECT role FROM auth.membership WHERE business_id = :business_id AND user_id = :user_id")
# membership_pkey. An account that was deleted cannot sign in.
_ACTIVE_ROLE = text("""
    SELECT role FROM auth.membership JOIN auth.account USING (user_id)
    WHERE business_id = :business_id AND user_id = :user_id AND password_hash <> '!'
""")
# membership_pkey
_OTHER_OWNER = text("""
    SELECT EXISTS (
        SELECT FROM auth.membership JOIN auth.account USING (user_id)
        WHERE business_id = :business_id AND user_id <> :user_id AND role = 'owner' AND password_hash <> '!'
    )
""")
# membership_pkey
_ANY_OWNER = text("""
    SELECT EXISTS (
        SELECT FROM auth.membership JOIN auth.account USING (user_id)
        WHERE business_id = :business_id AND role = 'owner' AND password_hash <> '!'
    )
""")
_SET_ROLE = text("""
    UPDATE auth.membership SET role = :role WHERE business_id = :business_id AND user_id = :user_id
""")
# membership_of_user
_RESIGN = text("UPDATE auth.membership SET role = 'customer' WHERE user_id = :user_id AND role <> 'customer'")


def join(connection: Connection, business_id: UUID, user_id: UUID, role: Role) -> Role:
    """Add the membership and return the resulting role, which is at least `role`."""
    values = {"business_id": business_id, "user_id": user_id, "role": role}
    joined: Role = connection.execute(_JOIN, values).scalar_one()
    return joined


def with_role(connection: Connection, business_id: UUID, role: Role) -> list[UserRef]:
    """Return the members with exactly this role, sorted by name, then id."""
    rows = connection.execute(_WITH_ROLE, {"business_id": business_id, "role": role})
    return [UserRef(row.user_id, row.name, row.email, row.confirmed) for row in rows]


def staff(connection: Connection, business_id: UUID) -> list[Member]:
    """Return the owners, then the staff, then the readers, each sorted by name."""
    return [_member(row) for row in connection.execute(_STAFF, {"business_id": business_id})]


def of_user(connection: Connection, user_id: UUID) -> list[tuple[BusinessRef, Role]]:
    """Return the user's businesses and roles, sorted by slug."""
    rows = connection.execute(_OF_USER, {"user_id": user_id})
    return [(BusinessRef(row.business_id, row.slug, row.name, row.zone, row.currency), row.role) for row in rows]


def owned_by(connection: Connection, user_id: UUID) -> list[UUID]:
    """Return the ids of the businesses that the user owns."""
    return [business.business_id for business, role in of_user(connection, user_id) if role == "owner"]


def lock(connection: Connection, business_id: UUID) -> None:
    """Let no other transaction change the owners of the business, or create its tokens, until this one ends."""
    connection.execute(_LOCK, {"business_id": business_id})


def lock_owned(connection: Connection, user_id: UUID) -> dict[UUID, str]:
    """Like `lock`, for all businesses that the user owns; return the slugs of those that are not closed, by id."""
    rows = connection.execute(_LOCK_OWNED, {"user_id": user_id})
    return {row.business_id: row.slug for row in rows if not row.is_closed}


def role_of(connection: Connection, business_id: UUID, user_id: UUID) -> Role | None:
    found: Role | None = connection.execute(_ROLE, {"business_id": business_id, "user_id": user_id}).scalar()
    return found


def active_role(connection: Connection, business_id: UUID, user_id: UUID) -> Role | None:
    """Return the role of a user whose account was not deleted."""
    values = {"business_id": business_id, "user_id": user_id}
    found: Role | None = connection.execute(_ACTIVE_ROLE, values).scalar()
    return found


def has_other_owner(connection: Connection, business_id: UUID, user_id: UUID) -> bool:
    """Return whether someone other than this user owns the business and can sign in."""
    found: bool = connection.execute(_OTHER_OWNER, {"business_id": business_id, "user_id": user_id}).scalar_one()
    return found


def has_owner(connection: Connection, business_id: UUID) -> bool:
    """Return whether someone owns the business and can sign in."""
    found: bool = connection.execute(_ANY_OWNER, {"business_id": business_id}).scalar_one()
    return found


def set_role(connection: Connection, business_id: UUID, user_id: UUID, role: Role) -> None:
    connection.execute(_SET_ROLE, {"business_id": business_id, "user_id": user_id, "role": role})


def resign(connection: Connection, user_id: UUID) -> None:
    """Leave the user no role but customer, in any business; their appointments keep their customer."""
    connection.execute(_RESIGN, {"user_id": user_id})


def _member(row: Row[Any]) -> Member:
    role: TokenRole = row.role
    return Member(user_id=row.user_id, name=row.name, email=row.email or "", role=role, since=row.since)
