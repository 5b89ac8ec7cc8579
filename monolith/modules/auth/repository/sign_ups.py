"""Which sign-up was asked for under which idempotency key."""

from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import Connection, text

# sign_up_by_age
_FORGET = text("DELETE FROM auth.sign_up WHERE created_at < now() - interval '7 days'")
_RESERVE = text("""
    INSERT INTO auth.sign_up (key_hash, request_hash, business_id)
    VALUES (:key_hash, :request_hash, :business_id)
    ON CONFLICT (key_hash) DO NOTHING
""")
# sign_up_pkey
_FIND = text("SELECT request_hash, business_id FROM auth.sign_up WHERE key_hash = :key_hash")


@dataclass(frozen=True, slots=True)
class EarlierSignUp:
    """What the key was used for before."""

    request_hash: bytes
    business_id: UUID


def reserve(connection: Connection, key_hash: bytes, request_hash: bytes, business_id: UUID) -> EarlierSignUp | None:
    """None when the key is new; it is remembered for at least 7 days. Waits for another sign-up under the same key."""
    connection.execute(_FORGET)
    values = {"key_hash": key_hash, "request_hash": request_hash, "business_id": business_id}
    if connection.execute(_RESERVE, values).rowcount == 1:
        return None
    row = connection.execute(_FIND, {"key_hash": key_hash}).one()
    return EarlierSignUp(row.request_hash, row.business_id)
