"""Sessions. The database's clock decides which are alive."""

from uuid import UUID

from sqlalchemy import Connection, text

from monolith.shared.database import new_id
from monolith.shared.endpoints import Principal

# session_secret, then account_pkey and membership_of_user
_ALIVE = text("""
    SELECT
        session_id,
        user_id,
        is_operator,
        began_at > now() - interval '15 minutes' AS fresh_login,
        seen_at < now() - interval '1 minute' AS unseen,
        (
            SELECT coalesce(jsonb_object_agg(business_id, role), '{}')
            FROM auth.membership
            WHERE membership.user_id = account.user_id
        ) AS roles
    FROM auth.session JOIN auth.account USING (user_id)
    WHERE secret_hash = :secret_hash AND expires_at > now() AND seen_at > now() - interval '24 hours'
""")
_SEEN = text("UPDATE auth.session SET seen_at = now() WHERE session_id = :session_id")
# Only while the password that was checked is still the account's.
_BEGIN = text("""
    INSERT INTO auth.session (session_id, user_id, secret_hash, expires_at)
    SELECT :session_id, user_id, :secret_hash, now() + interval '14 days'
    FROM auth.account
    WHERE user_id = :user_id AND password_hash = :password_hash
""")
_END = text("DELETE FROM auth.session WHERE session_id = :session_id")
# session_of_user
_END_OTHERS = text("DELETE FROM auth.session WHERE user_id = :user_id AND session_id <> :kept")
# session_of_user. Keeps the newest 20 that are alive.
_TIDY = text("""
    DELETE FROM auth.session
    WHERE user_id = :user_id
      AND session_id NOT IN (
          SELECT session_id
          FROM auth.session
          WHERE user_id = :user_id AND expires_at > now() AND seen_at > now() - interval '24 hours'
          ORDER BY began_at DESC
          LIMIT 20
      )
""")


def find_active(connection: Connection, secret_hash: bytes) -> Principal | None:
    """Who has the session. Being found keeps it alive: 24 hours from then, and at most 14 days in all."""
    row = connection.execute(_ALIVE, {"secret_hash": secret_hash}).one_or_none()
    if row is None:
        return None
    if row.unseen:
        connection.execute(_SEEN, {"session_id": row.session_id})
    return Principal(
        user_id=row.user_id,
        kind="user",
        roles={UUID(business_id): role for business_id, role in row.roles.items()},
        session_id=row.session_id,
        is_operator=row.is_operator,
        fresh_login=row.fresh_login,
    )


def begin(connection: Connection, user_id: UUID, password_hash: str, secret_hash: bytes) -> bool:
    """False when the password was changed since it was checked."""
    connection.execute(_TIDY, {"user_id": user_id})
    values = {
        "session_id": new_id(),
        "user_id": user_id,
        "password_hash": password_hash,
        "secret_hash": secret_hash,
    }
    return connection.execute(_BEGIN, values).rowcount == 1


def end(connection: Connection, session_id: UUID) -> None:
    connection.execute(_END, {"session_id": session_id})


def end_others(connection: Connection, user_id: UUID, kept: UUID) -> None:
    connection.execute(_END_OTHERS, {"user_id": user_id, "kept": kept})
