"""SQL that creates, lists and revokes API tokens; `principals.py` reads them."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Connection, Row, text

from monolith.modules.auth.models import Token, TokenRole

_IS_ACTIVE = "revoked_at IS NULL AND expires_at > now()"
# api_token_of_business
_COUNT = text(f"SELECT count(*) FROM auth.api_token WHERE business_id = :business_id AND {_IS_ACTIVE}")  # noqa: S608
_INSERT = text("""
    INSERT INTO auth.api_token (token_id, business_id, name, role, secret_hash, created_by, address, expires_at)
    VALUES (:token_id, :business_id, :name, :role, :secret_hash, :created_by, :address,
            now() + CAST(:valid_for AS interval))
    RETURNING token_id, name, role, created_at, used_at, expires_at, created_by, address
""")
# api_token_of_business
_LIST = text(f"""
    SELECT token_id, name, role, created_at, used_at, expires_at, created_by, address
    FROM auth.api_token
    WHERE business_id = :business_id AND {_IS_ACTIVE}
    ORDER BY created_at DESC, token_id DESC
""")  # noqa: S608 - a constant
# api_token_of_creator
_LIST_OF_CREATOR = text(f"""
    SELECT token_id, name, role, created_at, used_at, expires_at, created_by, address
    FROM auth.api_token
    WHERE created_by = :user_id AND {_IS_ACTIVE}
    ORDER BY created_at DESC, token_id DESC
""")  # noqa: S608 - a constant
# api_token_pkey
_REVOKE = text("""
    UPDATE auth.api_token SET revoked_at = now()
    WHERE token_id = :token_id AND business_id = :business_id AND revoked_at IS NULL
""")
# api_token_of_business
_REVOKE_ALL = text("""
    UPDATE auth.api_token SET revoked_at = now() WHERE business_id = :business_id AND revoked_at IS NULL
""")
# api_token_of_business
_REVOKE_OF_MEMBER = text("""
    UPDATE auth.api_token SET revoked_at = now()
    WHERE business_id = :business_id AND created_by = :user_id AND revoked_at IS NULL
""")
# api_token_of_creator
_REVOKE_OF_CREATORS = text("""
    UPDATE auth.api_token SET revoked_at = now()
    WHERE created_by = ANY (CAST(:user_ids AS uuid[])) AND revoked_at IS NULL
    RETURNING token_id
""")


def count(connection: Connection, business_id: UUID) -> int:
    """Return the number of tokens that are neither revoked nor expired."""
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
    address: str,
    valid_for: timedelta,
) -> Token:
    values = {
        "token_id": token_id,
        "business_id": business_id,
        "name": name,
        "role": role,
        "secret_hash": secret_hash,
        "created_by": created_by,
        "address": address,
        "valid_for": valid_for,
    }
    return _token(connection.execute(_INSERT, values).one())


def of_business(connection: Connection, business_id: UUID) -> list[Token]:
    return [_token(row) for row in connection.execute(_LIST, {"business_id": business_id})]


def of_creator(connection: Connection, user_id: UUID) -> list[Token]:
    """Return the active tokens that the user has created, in any business, newest first."""
    return [_token(row) for row in connection.execute(_LIST_OF_CREATOR, {"user_id": user_id})]


def revoke(connection: Connection, business_id: UUID, token_id: UUID) -> bool:
    """Revoke a token; return false if the business has no such active token."""
    return connection.execute(_REVOKE, {"business_id": business_id, "token_id": token_id}).rowcount == 1


def revoke_all(connection: Connection, business_id: UUID) -> None:
    """Revoke every token of the business."""
    connection.execute(_REVOKE_ALL, {"business_id": business_id})


def revoke_of_member(connection: Connection, business_id: UUID, user_id: UUID) -> None:
    """Revoke the tokens of the business that the user has created."""
    connection.execute(_REVOKE_OF_MEMBER, {"business_id": business_id, "user_id": user_id})


def revoke_of_creators(connection: Connection, user_ids: Sequence[UUID]) -> list[UUID]:
    """Revoke the tokens that these users have created, in any business; return their ids."""
    return list(connection.execute(_REVOKE_OF_CREATORS, {"user_ids": list(user_ids)}).scalars())


def _token(row: Row[Any]) -> Token:
    return Token(**row._mapping)
