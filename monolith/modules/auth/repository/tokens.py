"""SQL that creates, lists and revokes API tokens; `principals.py` reads them."""

from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from monolith.modules.auth.models import Token, TokenRole

# business_pkey. Serializes the creation of tokens, which keeps their number exact.
_LOCK = text("SELECT 1 FROM auth.business WHERE business_id = :business_id FOR NO KEY UPDATE")
# api_token_of_business
_COUNT = text("SELECT count(*) FROM auth.api_token WHERE business_id = :business_id AND revoked_at IS NULL")
_INSERT = text("""
    INSERT INTO auth.api_token (token_id, business_id, name, role, secret_hash, created_by)
    VALUES (:token_id, :business_id, :name, :role, :secret_hash, :created_by)
    RETURNING token_id, name, role, created_at, used_at
""")
# api_token_of_business
_LIST = text("""
    SELECT token_id, name, role, created_at, used_at
    FROM auth.api_token
    WHERE business_id = :business_id AND revoked_at IS NULL
    ORDER BY created_at DESC, token_id DESC
""")
# api_token_pkey
_REVOKE = text("""
    UPDATE auth.api_token SET revoked_at = now()
    WHERE token_id = :token_id AND business_id = :business_id AND revoked_at IS NULL
""")


def count(connection: Connection, business_id: UUID) -> int:
    """Return the number of tokens that are not revoked, and lock it until the transaction ends."""
    connection.execute(_LOCK, {"business_id": business_id})
    number: int = connection.execute(_COUNT, {"business_id": business_id}).scalar_one()
    return number


def insert(
    connection: Connection,
    *,
    token_id: UUID,
    business_id: UUID,
    name: str,
    role: TokenRole,
    secret_hash: bytes,
    created_by: UUID,
) -> Token:
    values = {
        "token_id": token_id,
        "business_id": business_id,
        "name": name,
        "role": role,
        "secret_hash": secret_hash,
        "created_by": created_by,
    }
    return _token(connection.execute(_INSERT, values).one())


def of_business(connection: Connection, business_id: UUID) -> list[Token]:
    return [_token(row) for row in connection.execute(_LIST, {"business_id": business_id})]


def revoke(connection: Connection, business_id: UUID, token_id: UUID) -> bool:
    """Revoke a token; return false if the business has no such active token."""
    return connection.execute(_REVOKE, {"business_id": business_id, "token_id": token_id}).rowcount == 1


def _token(row: Row[Any]) -> Token:
    return Token(token_id=row.token_id, name=row.name, role=row.role, created_at=row.created_at, used_at=row.used_at)
