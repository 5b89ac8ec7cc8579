"""What a service token says: which deployable calls, for which business, for whom, and for what.

A token is a JWT signed with EdDSA (Ed25519) that travels in the Authorization header. The business and the actor of a
call stand in its token and nowhere else. Its header has exactly the members `alg`, `typ` and `kid`.
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
"""Seconds from `iat` to `exp`."""


class Claims(Struct, frozen=True, kw_only=True):
    """A read token may be used again until it expires, for any read of that business by that actor.

    A write token is good for one write: its `jti` is the idempotency key and its `op` the operation, so whoever steals
    it can only repeat that write, and repeating has no effect.
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
