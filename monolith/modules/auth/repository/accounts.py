"""SQL for accounts. An account has a confirmed address, or an unconfirmed one, or both while it is being changed."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from monolith.modules.auth.api import OperatorRole, UserRef
from monolith.shared.localization import Language

_COLUMNS = "user_id, name, coalesce(email, unconfirmed_email, '') AS email, email IS NOT NULL AS confirmed, language"
# account_email
_BY_EMAIL = text(f"SELECT {_COLUMNS}, password_hash FROM auth.account WHERE email = :email")  # noqa: S608 - constants
# account_unconfirmed
_NEWEST_UNCONFIRMED = text(f"""
    SELECT {_COLUMNS}, password_hash
    FROM auth.account
    WHERE unconfirmed_email = :email AND email IS NULL
    ORDER BY created_at DESC
    LIMIT :limit
""")  # noqa: S608 - constants
# account_pkey
_BY_ID = text(f"SELECT {_COLUMNS}, password_hash FROM auth.account WHERE user_id = :user_id")  # noqa: S608 - constants
# account_pkey
_USERS = text(f"SELECT {_COLUMNS} FROM auth.account WHERE user_id = ANY (CAST(:user_ids AS uuid[]))")  # noqa: S608
# account_pkey. An account that was deleted or retired has the hash '!'.
_LOCK = text("SELECT 1 FROM auth.account WHERE user_id = :user_id AND password_hash <> '!' FOR SHARE")
_INSERT = text("""
    INSERT INTO auth.account (user_id, email, unconfirmed_email, name, password_hash, language)
    VALUES (:user_id, :email, :unconfirmed_email, :name, :password_hash, :language)
    ON CONFLICT (email) DO NOTHING
""")
_SET_PASSWORD = text("""
    UPDATE auth.account SET password_hash = :new WHERE user_id = :user_id AND password_hash = :old
""")
_REPLACE_PASSWORD = text("UPDATE auth.account SET password_hash = :new WHERE user_id = :user_id")
_END_LINKS = text("UPDATE auth.account SET links_valid_from = now() WHERE user_id = :user_id")
# account_pkey
_LINKS_VALID_FROM = text("SELECT links_valid_from FROM auth.account WHERE user_id = :user_id")
_RENAME = text("UPDATE auth.account SET name = :name WHERE user_id = :user_id")
_SET_LANGUAGE = text("UPDATE auth.account SET language = :language WHERE user_id = :user_id")
_SET_OPERATOR_ROLE = text("""
    UPDATE auth.account SET is_operator = :is_operator, is_viewer = :is_viewer WHERE user_id = :user_id
""")
_REVOKE_OPERATOR_ROLE = text("""
    UPDATE auth.account SET is_operator = false, is_viewer = false
    WHERE user_id = :user_id AND (is_operator OR is_viewer)
""")
# account_operators
_OPERATORS = text("""
    SELECT user_id, name, email, CASE WHEN is_operator THEN 'operator' ELSE 'viewer' END AS role
    FROM auth.account
    WHERE is_operator OR is_viewer
    ORDER BY email
""")
# account_pkey. The row stays, because rows of other modules refer to it; nothing in it identifies the person.
_ERASE = text("""
    UPDATE auth.account
    SET email = NULL, unconfirmed_email = NULL, name = 'Deleted account', password_hash = '!', is_operator = false,
        is_viewer = false, language = NULL
    WHERE user_id = :user_id AND password_hash = :old
""")


@dataclass(frozen=True, slots=True)
class Account:
    user: UserRef
    password_hash: str


def by_email(connection: Connection, email: str) -> Account | None:
    """Return the account that has confirmed this lowercase e-mail address."""
    return _account(connection.execute(_BY_EMAIL, {"email": email}).one_or_none())


def newest_unconfirmed(connection: Connection, email: str, limit: int) -> list[Account]:
    """Return the newest accounts that wait for the confirmation of this lowercase e-mail address, newest first."""
    rows = connection.execute(_NEWEST_UNCONFIRMED, {"email": email, "limit": limit})
    return [Account(_user(row), row.password_hash) for row in rows]


def users(connection: Connection, user_ids: Collection[UUID]) -> dict[UUID, UserRef]:
    """Return those that exist, by id."""
    rows = connection.execute(_USERS, {"user_ids": list(user_ids)})
    return {row.user_id: _user(row) for row in rows}


def by_id(connection: Connection, user_id: UUID) -> Account | None:
    return _account(connection.execute(_BY_ID, {"user_id": user_id}).one_or_none())


def insert(connection: Connection, account: Account) -> bool:
    """Insert the account; return false if another one has confirmed the e-mail address of a confirmed account."""
    user = account.user
    values = {
        "user_id": user.user_id,
        "email": user.email if user.confirmed else None,
        "unconfirmed_email": None if user.confirmed else user.email,
        "name": user.name,
        "password_hash": account.password_hash,
        "language": user.language,
    }
    return connection.execute(_INSERT, values).rowcount == 1


def lock(connection: Connection, user_id: UUID) -> bool:
    """Wait for changes of the account, prevent others until the transaction ends, and return whether it is usable.

    Lock accounts before businesses, and both before other rows, which prevents deadlocks.
    """
    return connection.execute(_LOCK, {"user_id": user_id}).scalar() is not None


def set_password(connection: Connection, user_id: UUID, *, old: str, new: str) -> bool:
    """Replace the hash; return false if it is no longer `old`."""
    return connection.execute(_SET_PASSWORD, {"user_id": user_id, "old": old, "new": new}).rowcount == 1


def replace_password(connection: Connection, user_id: UUID, new: str) -> None:
    """Replace the hash unconditionally."""
    connection.execute(_REPLACE_PASSWORD, {"user_id": user_id, "new": new})


def end_links(connection: Connection, user_id: UUID) -> None:
    """End the links of the appointments and waitlist entries that exist; links of later ones are valid."""
    connection.execute(_END_LINKS, {"user_id": user_id})


def links_valid_from(connection: Connection, user_id: UUID) -> datetime | None:
    """Return when links of an account ended; None if none has, or if there is no such account."""
    found: datetime | None = connection.execute(_LINKS_VALID_FROM, {"user_id": user_id}).scalar()
    return found


def rename(connection: Connection, user_id: UUID, name: str) -> None:
    connection.execute(_RENAME, {"user_id": user_id, "name": name})


def set_language(connection: Connection, user_id: UUID, language: Language) -> None:
    connection.execute(_SET_LANGUAGE, {"user_id": user_id, "language": language})


def set_operator_role(connection: Connection, user_id: UUID, role: OperatorRole) -> None:
    values = {"user_id": user_id, "is_operator": role == "operator", "is_viewer": role == "viewer"}
    connection.execute(_SET_OPERATOR_ROLE, values)


def revoke_operator_role(connection: Connection, user_id: UUID) -> bool:
    """Leave the account no role of the console; return false if it had none."""
    return connection.execute(_REVOKE_OPERATOR_ROLE, {"user_id": user_id}).rowcount == 1


def operators(connection: Connection) -> list[tuple[UserRef, OperatorRole]]:
    """Return the accounts that have an operator role, sorted by e-mail address."""
    return [(UserRef(row.user_id, row.name, row.email), row.role) for row in connection.execute(_OPERATORS)]


def erase(connection: Connection, user_id: UUID, *, old: str) -> bool:
    """Remove name, addresses and password permanently; return false if the hash of the password is no longer `old`."""
    return connection.execute(_ERASE, {"user_id": user_id, "old": old}).rowcount == 1


def _account(row: Row[Any] | None) -> Account | None:
    if row is None:
        return None
    return Account(_user(row), row.password_hash)


def _user(row: Row[Any]) -> UserRef:
    return UserRef(row.user_id, row.name, row.email, row.confirmed, row.language)
