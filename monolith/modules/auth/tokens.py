"""API tokens of businesses."""

from datetime import timedelta
from uuid import UUID

from monolith.modules.auth import credentials
from monolith.modules.auth.calls import SignedInUser
from monolith.modules.auth.members import require_owner
from monolith.modules.auth.models import CreateToken, NewToken, Token
from monolith.modules.auth.origin import Origin
from monolith.modules.auth.repository import memberships, tokens
from monolith.modules.auth.sessions import Sessions, require_session
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import ApiError, BusinessRef
from monolith.shared.endpoints.errors import not_found

MAX_TOKENS = 50


class ApiTokens:
    """A token acts for the business until it expires, is revoked, or its creator no longer owns the business."""

    def __init__(self, database: ModuleDatabase, sessions: Sessions) -> None:
        self._database = database
        self._sessions = sessions

    def create(self, business: BusinessRef, creator: SignedInUser, wanted: CreateToken, origin: Origin) -> NewToken:
        """Create a token. Raises ApiError 409 if the business already has 50, and 401 if the session has ended."""
        secret = credentials.new_token_secret()
        with self._database.transaction() as connection:
            require_session(connection, creator)
            memberships.lock(connection, business.business_id)
            require_owner(connection, business, creator.user_id)
            if tokens.count(connection, business.business_id) >= MAX_TOKENS:
                message = f"This business already has {MAX_TOKENS} tokens. Revoke one that is no longer in use."
                raise ApiError(409, "too_many_tokens", message)
            token = tokens.insert(
                connection,
                token_id=new_id(),
                business_id=business.business_id,
                name=wanted.name,
                role=wanted.role,
                secret_hash=credentials.hash_secret(secret),
                created_by=creator.user_id,
                address=origin.address,
                valid_for=timedelta(days=wanted.expires_in_days),
            )
        return NewToken(token=token, secret=secret)

    def of_business(self, business: BusinessRef) -> list[Token]:
        with self._database.transaction() as connection:
            return tokens.of_business(connection, business.business_id)

    def revoke(self, business: BusinessRef, token_id: UUID) -> None:
        """Revoke a token immediately, in every process. Raises ApiError 404 if the business has no such token."""
        with self._database.transaction() as connection:
            if not tokens.revoke(connection, business.business_id, token_id):
                raise not_found("token")
        self._sessions.report_ended([token_id])

    def revoke_all(self, business: BusinessRef) -> None:
        """Revoke all tokens of the business immediately. Idempotent."""
        with self._database.transaction() as connection:
            tokens.revoke_all(connection, business.business_id)
        self._sessions.report_ended([business.business_id])
