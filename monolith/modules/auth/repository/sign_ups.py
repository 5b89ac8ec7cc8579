"""SQL for the idempotency keys of sign-ups."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

# sign_up_by_age
_FORGET = text("DELETE FROM auth.sign_up WHERE created_at < now() - interval '7 days'")
_RESERVE = text("""
    INSERT INTO auth.sign_up (key_hash, request_hash, business_id, user_id)
    VALUES (:key_hash, :request_hash, :business_id, :user_id)
    ON CONFLICT (key_hash) DO NOTHING
""")
# sign_up_pkey
_FIND = text("SELECT request_hash, business_id, user_id FROM auth.sign_up WHERE key_hash = :key_hash")


@dataclass(frozen=True, slots=True)
class EarlierSignUp:
    """The sign-up that used the key before. `user_id` is the owner; None if an older release stored it."""

    request_hash: bytes
    business_id: UUID
    user_id: UUID | None


def reserve(
    connection: Connection, key_hash: bytes, request_hash: bytes, business_id: UUID, user_id: UUID
) -> EarlierSignUp | None:
    """Reserve the key for at least 7 days; return the earlier sign-up if it is already used.

    Waits for a concurrent sign-up with the same key.
    """
    connection.execute(_FORGET)
    values = {"key_hash": key_hash, "request_hash": request_hash, "business_id": business_id, "user_id": user_id}
    if connection.execute(_RESERVE, values).rowcount == 1:
        return None
    row = connection.execute(_FIND, {"key_hash": key_hash}).one()
    return EarlierSignUp(row.request_hash, row.business_id, row.user_id)
