"""SQL that begins and ends sessions; `principals.py` reads them."""

from uuid import UUID

from sqlalchemy import Connection, text

from monolith.shared.database import new_id

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
