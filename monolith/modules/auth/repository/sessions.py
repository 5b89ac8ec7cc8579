"""SQL that begins, lists and ends sessions; `principals.py` reads them for authentication."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import Connection, text

from monolith.modules.auth.models import Session
from monolith.modules.auth.origin import Origin
from monolith.shared.database import new_id

# Only if the account's password is still the one that was verified. FOR SHARE waits for a concurrent change of the
# password and then reads its result; later changes wait for this transaction, and see its session.
_BEGIN = text("""
    INSERT INTO auth.session (session_id, user_id, secret_hash, expires_at, address, program)
    SELECT :session_id, user_id, :secret_hash, now() + interval '14 days', :address, :program
    FROM auth.account
    WHERE user_id = :user_id AND password_hash = :password_hash
    FOR SHARE
""")
# session_pkey
_EXISTS = text("SELECT EXISTS (SELECT FROM auth.session WHERE session_id = :session_id AND user_id = :user_id)")
_END = text("DELETE FROM auth.session WHERE session_id = :session_id")
# session_pkey
_END_OWN = text("DELETE FROM auth.session WHERE session_id = :session_id AND user_id = :user_id")
# session_of_user
_END_ALL = text("DELETE FROM auth.session WHERE user_id = ANY (CAST(:user_ids AS uuid[])) RETURNING session_id")
# session_of_user
_END_OTHERS = text("DELETE FROM auth.session WHERE user_id = :user_id AND session_id <> :kept RETURNING session_id")
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
# session_of_user
_ACTIVE = text("""
    SELECT session_id, began_at, seen_at, least(expires_at, seen_at + interval '24 hours') AS expires_at, address,
           program
    FROM auth.session
    WHERE user_id = :user_id AND expires_at > now() AND seen_at > now() - interval '24 hours'
    ORDER BY seen_at DESC, session_id
""")


def begin(connection: Connection, user_id: UUID, password_hash: str, secret_hash: bytes, origin: Origin) -> bool:
    """Insert a session; return false if the password has changed since it was verified.

    Until the transaction ends, the password does not change. Call it before changing rows that belong to the account:
    like changes of the password, it locks the account first, which prevents deadlocks.
    """
    values = {
        "session_id": new_id(),
        "user_id": user_id,
        "password_hash": password_hash,
        "secret_hash": secret_hash,
        "address": origin.address,
        "program": origin.program,
    }
    if connection.execute(_BEGIN, values).rowcount == 0:
        return False
    connection.execute(_PRUNE, {"user_id": user_id})
    return True


def exists(connection: Connection, user_id: UUID, session_id: UUID) -> bool:
    """Return whether the user has this session, which has not been ended."""
    found: bool = connection.execute(_EXISTS, {"user_id": user_id, "session_id": session_id}).scalar_one()
    return found


def active(connection: Connection, user_id: UUID, current: UUID) -> list[Session]:
    """Return the active sessions, most recently used first."""
    rows = connection.execute(_ACTIVE, {"user_id": user_id})
    return [Session(**row._mapping, current=row.session_id == current) for row in rows]


def end(connection: Connection, session_id: UUID) -> None:
    connection.execute(_END, {"session_id": session_id})


def end_own(connection: Connection, user_id: UUID, session_id: UUID) -> bool:
    """End a session of the user; return false if there is none."""
    return connection.execute(_END_OWN, {"user_id": user_id, "session_id": session_id}).rowcount == 1


def end_others(connection: Connection, user_id: UUID, kept: UUID) -> list[UUID]:
    """End all sessions of the user but one; return their ids."""
    return list(connection.execute(_END_OTHERS, {"user_id": user_id, "kept": kept}).scalars())


def end_all(connection: Connection, user_ids: Sequence[UUID]) -> list[UUID]:
    """End all sessions of the users; return their ids."""
    return list(connection.execute(_END_ALL, {"user_ids": list(user_ids)}).scalars())
