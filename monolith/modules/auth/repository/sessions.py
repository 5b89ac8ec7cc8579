"""SQL for sessions. The database's clock decides which are active."""

from uuid import UUID

from sqlalchemy import Connection, text

from monolith.shared.database import new_id
from monolith.shared.endpoints import Principal

# session_secret, then account_pkey and membership_of_user
_ACTIVE = text("""
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
# Only if the account's password is still the one that was verified.
_BEGIN = text("""
    INSERT INTO auth.session (session_id, user_id, secret_hash, expires_at)
    SELECT :session_id, user_id, :secret_hash, now() + interval '14 days'
    FROM auth.account
    WHERE user_id = :user_id AND password_hash = :password_hash
""")
_END = text("DELETE FROM auth.session WHERE session_id = :session_id")
# session_of_user
_END_OTHERS = text("DELETE FROM auth.session WHERE user_id = :user_id AND session_id <> :kept")
# session_of_user. Keeps the newest 20 active sessions.
_PRUNE = text("""
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
    """Return the principal of an active session and extend it: 24 hours of inactivity, 14 days in total."""
    row = connection.execute(_ACTIVE, {"secret_hash": secret_hash}).one_or_none()
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
    """Insert a session; return false if the password has changed since it was verified."""
    connection.execute(_PRUNE, {"user_id": user_id})
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
