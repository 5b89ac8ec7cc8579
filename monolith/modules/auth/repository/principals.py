"""SQL for authentication: the principal that a secret belongs to. The database's clock decides what is active.

Every request with a credential reads here, so everything about the caller is one statement and one value.
"""

from typing import Final
from uuid import UUID

import msgspec
from msgspec import Struct

from monolith.shared.database import ModuleDatabase
from monolith.shared.endpoints import Principal, Role

# session_secret, then account_pkey and membership_of_user
_BY_SESSION: Final = """
    SELECT row_to_json(active)::text
    FROM (
        SELECT
            session_id,
            user_id,
            is_operator,
            is_viewer,
            email IS NOT NULL AS confirmed,
            coalesce(language, '') AS language,
            began_at > now() - interval '15 minutes' AS fresh_login,
            seen_at < now() - interval '1 minute' AS unseen,
            (
                SELECT coalesce(json_object_agg(business_id, role), '{}')
                FROM auth.membership
                WHERE membership.user_id = account.user_id
            ) AS roles
        FROM auth.session JOIN auth.account USING (user_id)
        WHERE secret_hash = %(secret_hash)s AND expires_at > now() AND seen_at > now() - interval '24 hours'
    ) AS active
"""
_SEEN: Final = "UPDATE auth.session SET seen_at = now() WHERE session_id = %(id)s RETURNING seen_at"
# api_token_secret
_BY_TOKEN: Final = """
    SELECT row_to_json(active)::text
    FROM (
        SELECT token_id, business_id, role, used_at IS NULL OR used_at < now() - interval '1 minute' AS unseen
        FROM auth.api_token
        WHERE secret_hash = %(secret_hash)s AND revoked_at IS NULL AND expires_at > now()
    ) AS active
"""  # noqa: S105
_USED: Final = "UPDATE auth.api_token SET used_at = now() WHERE token_id = %(id)s RETURNING used_at"


class _Session(Struct, frozen=True):
    session_id: UUID
    user_id: UUID
    is_operator: bool
    is_viewer: bool
    confirmed: bool
    fresh_login: bool
    unseen: bool
    roles: dict[UUID, Role]
    language: str


class _Token(Struct, frozen=True):
    token_id: UUID
    business_id: UUID
    role: Role
    unseen: bool


_decode_session = msgspec.json.Decoder(_Session).decode
_decode_token = msgspec.json.Decoder(_Token).decode


def by_session(database: ModuleDatabase, secret_hash: bytes) -> Principal | None:
    """Return the principal of an active session and extend it: 24 hours of inactivity, 14 days in total."""
    found = database.read_value(_BY_SESSION, {"secret_hash": secret_hash})
    if found is None:
        return None
    session = _decode_session(found)
    if session.unseen:
        database.read_value(_SEEN, {"id": session.session_id})
    return Principal(
        user_id=session.user_id,
        kind="user",
        roles=session.roles,
        session_id=session.session_id,
        is_operator=session.is_operator,
        is_viewer=session.is_viewer,
        confirmed=session.confirmed,
        fresh_login=session.fresh_login,
        language=session.language,
    )


def by_token(database: ModuleDatabase, secret_hash: bytes) -> Principal | None:
    """Return the principal of a token that is neither revoked nor expired, and record its use once a minute."""
    found = database.read_value(_BY_TOKEN, {"secret_hash": secret_hash})
    if found is None:
        return None
    token = _decode_token(found)
    if token.unseen:
        database.read_value(_USED, {"id": token.token_id})
    return Principal(user_id=token.token_id, kind="token", roles={token.business_id: token.role})
