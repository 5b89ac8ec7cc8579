"""SQL for the secrets of links in mails, and for the addresses that they confirm."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal
from uuid import UUID

from sqlalchemy import Connection, text

Purpose = Literal["confirm", "reset"]

_ADD = text("""
    INSERT INTO auth.mail_token (secret_hash, purpose, user_id, email, expires_at)
    VALUES (:secret_hash, :purpose, :user_id, :email, now() + CAST(:valid_for AS interval))
""")
# mail_token_pkey
_FIND = text("""
    SELECT user_id, email
    FROM auth.mail_token
    WHERE secret_hash = :secret_hash AND purpose = :purpose AND expires_at > now()
""")
# mail_token_pkey. The row lock lets one of several simultaneous uses win.
_USE = text("DELETE FROM auth.mail_token WHERE secret_hash = :secret_hash AND expires_at > now()")
# mail_token_of_user
_FORGET = text("DELETE FROM auth.mail_token WHERE user_id = ANY (CAST(:user_ids AS uuid[]))")
_LOCK_EMAIL = text("SELECT pg_advisory_xact_lock(hashtextextended('auth.email ' || :email, 0))")
# account_pkey
_CONFIRM = text("""
    UPDATE auth.account SET email = :email, unconfirmed_email = NULL
    WHERE user_id = :user_id AND unconfirmed_email = :email
    RETURNING user_id
""")
# account_unconfirmed. Sign-ups with the address by others: their passwords end with them.
_RETIRE_OTHERS = text("""
    UPDATE auth.account SET unconfirmed_email = NULL, password_hash = '!'
    WHERE unconfirmed_email = :email AND user_id <> :user_id AND email IS NULL
    RETURNING user_id
""")
# account_unconfirmed. Accounts that wanted to change to the address keep the one they have.
_CANCEL_CHANGES = text("UPDATE auth.account SET unconfirmed_email = NULL WHERE unconfirmed_email = :email")
# account_pkey
_AWAITED = text("SELECT unconfirmed_email FROM auth.account WHERE user_id = :user_id")
# account_pkey
_WANT = text("UPDATE auth.account SET unconfirmed_email = :email WHERE user_id = :user_id")
# account_expiring
_RETIRE_EXPIRED = text("""
    UPDATE auth.account SET unconfirmed_email = NULL, password_hash = '!'
    WHERE user_id IN (
        SELECT user_id
        FROM auth.account
        WHERE email IS NULL AND unconfirmed_email IS NOT NULL AND created_at < now() - CAST(:valid_for AS interval)
        ORDER BY created_at
        LIMIT :limit
        FOR UPDATE SKIP LOCKED
    )
    RETURNING user_id
""")
# mail_token_by_expiry
_PRUNE = text("DELETE FROM auth.mail_token WHERE expires_at < now()")


@dataclass(frozen=True, slots=True)
class MailToken:
    """A valid link, which proves that its holder reads the mail of `email`."""

    user_id: UUID
    email: str


def add(
    connection: Connection, purpose: Purpose, user_id: UUID, email: str, secret_hash: bytes, valid_for: timedelta
) -> None:
    """Store the hash of a new secret. Earlier ones stay valid: strangers can request mails too."""
    values = {"secret_hash": secret_hash, "purpose": purpose, "user_id": user_id, "email": email}
    connection.execute(_ADD, values | {"valid_for": valid_for})


def find(connection: Connection, purpose: Purpose, secret_hash: bytes) -> MailToken | None:
    """Return the token unless it has expired or was used."""
    row = connection.execute(_FIND, {"secret_hash": secret_hash, "purpose": purpose}).one_or_none()
    return None if row is None else MailToken(row.user_id, row.email)


def use(connection: Connection, secret_hash: bytes) -> bool:
    """Use up the token; return false if it has expired or was used."""
    return connection.execute(_USE, {"secret_hash": secret_hash}).rowcount == 1


def forget(connection: Connection, user_ids: Sequence[UUID]) -> None:
    """Make all links that were mailed to the users invalid."""
    connection.execute(_FORGET, {"user_ids": list(user_ids)})


def lock_email(connection: Connection, email: str) -> None:
    """Let confirmations of the same address take turns, until the transaction ends."""
    connection.execute(_LOCK_EMAIL, {"email": email})


def confirm(connection: Connection, user_id: UUID, email: str) -> bool:
    """Make the unconfirmed address the account's address; return false if the account no longer waits for it."""
    return connection.execute(_CONFIRM, {"user_id": user_id, "email": email}).rowcount == 1


def retire_others(connection: Connection, user_id: UUID, email: str) -> list[UUID]:
    """Disable the accounts that others have signed up with the address, and return their ids."""
    values = {"user_id": user_id, "email": email}
    retired = list(connection.execute(_RETIRE_OTHERS, values).scalars())
    connection.execute(_CANCEL_CHANGES, {"email": email})
    return retired


def request_change(connection: Connection, user_id: UUID, email: str) -> None:
    """Let the account wait for the confirmation of another address."""
    connection.execute(_WANT, {"user_id": user_id, "email": email})


def awaited_address(connection: Connection, user_id: UUID) -> str | None:
    """Return the address that the account waits for, if there is one."""
    found: str | None = connection.execute(_AWAITED, {"user_id": user_id}).scalar()
    return found


def retire_expired(connection: Connection, valid_for: timedelta, limit: int) -> list[UUID]:
    """Disable accounts whose address was not confirmed in time, and return their ids."""
    return list(connection.execute(_RETIRE_EXPIRED, {"valid_for": valid_for, "limit": limit}).scalars())


def prune(connection: Connection) -> None:
    connection.execute(_PRUNE)
