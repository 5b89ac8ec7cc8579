"""Service tokens: they authenticate the calling deployable and name the business, the actor and the purpose of a call.

A token is a JWT signed with EdDSA (Ed25519), sent in the Authorization header. Business and actor of a call are in its
token only. The header of the token has exactly the members `alg`, `typ` and `kid`.
"""

from typing import Annotated, Final, Literal
from uuid import UUID

from msgspec import Meta, Struct

from contracts.scheduling.context import Actor

ALGORITHM: Final = "EdDSA"
TYPE: Final = "JWT"
ISSUER: Final = "monolith"
AUDIENCE: Final = "scheduling"
LONGEST_LIFETIME: Final = 60
"""Maximum of `exp - iat`, in seconds."""


class Claims(Struct, frozen=True, kw_only=True):
    """The claims of a token.

    A read token may be reused until it expires, for any read of its business by its actor. A write token is valid for
    one write: its `jti` is the idempotency key and its `op` the operation. It does not cover the body: with a stolen
    write token, a write can be repeated, which has no effect, or, until the token expires, one write of this operation
    with another body made first, so that the intended write fails with KeyReused.
    """

    iss: Literal["monolith"] = ISSUER
    aud: Literal["scheduling"] = AUDIENCE
    iat: int
    exp: int
    jti: Annotated[str, Meta(min_length=1, max_length=200)]
    biz: UUID
    act: Actor
    scope: Literal["read", "write"]
    op: str | None = None
