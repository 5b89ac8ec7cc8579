"""SQL for accounts and memberships."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from monolith.modules.auth.api import UserRef
from monolith.shared.endpoints import BusinessRef, Role

# account_email
_BY_EMAIL = text("SELECT user_id, name, email, password_hash FROM auth.account WHERE email = :email")
# account_pkey
_BY_ID = text("SELECT user_id, name, email, password_hash FROM auth.account WHERE user_id = :user_id")
# account_pkey
_USERS = text("SELECT user_id, name, email FROM auth.account WHERE user_id = ANY (CAST(:user_ids AS uuid[]))")
_INSERT = text("""
    INSERT INTO auth.account (user_id, email, name, password_hash)
    VALUES (:user_id, :email, :name, :password_hash)
    ON CONFLICT (email) DO NOTHING
""")
_SET_PASSWORD = text("""
    UPDATE auth.account SET password_hash = :new WHERE user_id = :user_id AND password_hash = :old
""")
_MAKE_OPERATOR = text("UPDATE auth.account SET is_operator = true WHERE user_id = :user_id")

# membership_pkey. Never lowers a role: staff who also book stay staff.
_JOIN = text("""
    INSERT INTO auth.membership (business_id, user_id, role)
    VALUES (:business_id, :user_id, :role)
    ON CONFLICT (business_id, user_id) DO UPDATE
    SET role = CASE WHEN excluded.role = 'staff' AND membership.role = 'customer' THEN 'staff' ELSE membership.role END
    RETURNING role
""")
# membership_pkey
_MEMBERS = text("""
    SELECT user_id, name, email
    FROM auth.membership JOIN auth.account USING (user_id)
    WHERE business_id = :business_id AND role = :role
    ORDER BY name, user_id
""")
# membership_of_user
_MEMBERSHIPS = text("""
    SELECT business_id, slug, business.name, zone, currency, role
    FROM auth.membership JOIN auth.business USING (business_id)
    WHERE user_id = :user_id
    ORDER BY slug
""")


@dataclass(frozen=True, slots=True)
class Account:
    user: UserRef
    password_hash: str


def by_email(connection: Connection, email: str) -> Account | None:
    """Return the account with this lowercase e-mail address."""
    return _account(connection.execute(_BY_EMAIL, {"email": email}).one_or_none())


def users(connection: Connection, user_ids: Collection[UUID]) -> dict[UUID, UserRef]:
    """Return those that exist, by id."""
    rows = connection.execute(_USERS, {"user_ids": list(user_ids)})
    return {row.user_id: UserRef(row.user_id, row.name, row.email) for row in rows}


def by_id(connection: Connection, user_id: UUID) -> Account | None:
    return _account(connection.execute(_BY_ID, {"user_id": user_id}).one_or_none())


def insert(connection: Connection, account: Account) -> bool:
    """Insert the account; return false if the e-mail address already has one."""
    user = account.user
    values = {
        "user_id": user.user_id,
        "email": user.email,
        "name": user.name,
        "password_hash": account.password_hash,
    }
    return connection.execute(_INSERT, values).rowcount == 1


def set_password(connection: Connection, user_id: UUID, *, old: str, new: str) -> bool:
    """Replace the hash; return false if it is no longer `old`."""
    return connection.execute(_SET_PASSWORD, {"user_id": user_id, "old": old, "new": new}).rowcount == 1


def make_operator(connection: Connection, user_id: UUID) -> None:
    connection.execute(_MAKE_OPERATOR, {"user_id": user_id})


def join(connection: Connection, business_id: UUID, user_id: UUID, role: Role) -> Role:
    """Add the membership and return the resulting role, which is at least `role`."""
    values = {"business_id": business_id, "user_id": user_id, "role": role}
    joined: Role = connection.execute(_JOIN, values).scalar_one()
    return joined


def members(connection: Connection, business_id: UUID, role: Role) -> list[UserRef]:
    rows = connection.execute(_MEMBERS, {"business_id": business_id, "role": role})
    return [UserRef(row.user_id, row.name, row.email) for row in rows]


def memberships(connection: Connection, user_id: UUID) -> list[tuple[BusinessRef, Role]]:
    """Return the user's businesses and roles, sorted by slug."""
    rows = connection.execute(_MEMBERSHIPS, {"user_id": user_id})
    return [(BusinessRef(row.business_id, row.slug, row.name, row.zone, row.currency), row.role) for row in rows]


def _account(row: Row[Any] | None) -> Account | None:
    return None if row is None else Account(UserRef(row.user_id, row.name, row.email), row.password_hash)
