"""Signing of service tokens."""

import base64
import binascii
import math
import re
import time
from typing import Literal
from uuid import UUID, uuid4

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from contracts.scheduling.context import Actor
from contracts.scheduling.service_tokens import ALGORITHM, LONGEST_LIFETIME, TYPE, Claims

_REUSE_SECONDS = LONGEST_LIFETIME / 2
_MAX_CACHED = 4096
_KEY_ID = re.compile(r"[A-Za-z0-9_-]{1,64}")


class TokenSigner:
    """Signs tokens for calls to the scheduling service. Thread-safe."""

    def __init__(self, key_id: str, private_key: bytes) -> None:
        """`private_key` is the raw Ed25519 key of 32 bytes."""
        self._key = Ed25519PrivateKey.from_private_bytes(private_key)
        self._headers = {"kid": key_id, "typ": TYPE}
        self._for_reads: dict[tuple[UUID, Actor], tuple[str, float]] = {}

    def for_reads(self, business_id: UUID, actor: Actor) -> str:
        """Return a token for reads of this actor in this business, valid for at least 30 seconds; it is reused."""
        now = time.time()
        token, reused_until = self._for_reads.get((business_id, actor), ("", 0.0))
        # Checks both bounds, so that after the clock is set back a token from the future is not reused.
        if not now < reused_until <= now + _REUSE_SECONDS:
            token, reused_until = self._sign(business_id, actor, "read", LONGEST_LIFETIME), now + _REUSE_SECONDS
            if len(self._for_reads) >= _MAX_CACHED:
                self._for_reads.clear()
            self._for_reads[business_id, actor] = token, reused_until
        return token

    def for_write(self, business_id: UUID, actor: Actor, operation: str, key: str, seconds: float) -> str:
        """Return a token for a single write that expires after `seconds`, so that a delayed request is rejected."""
        lifetime = min(max(math.ceil(seconds), 1), LONGEST_LIFETIME)
        return self._sign(business_id, actor, "write", lifetime, operation=operation, key=key)

    def _sign(
        self,
        business_id: UUID,
        actor: Actor,
        scope: Literal["read", "write"],
        lifetime: int,
        *,
        operation: str | None = None,
        key: str | None = None,
    ) -> str:
        issued_at = int(time.time())
        claims = Claims(
            iat=issued_at,
            exp=issued_at + lifetime,
            jti=key or uuid4().hex,
            biz=business_id,
            act=actor,
            scope=scope,
            op=operation,
        )
        return jwt.encode(msgspec.to_builtins(claims), self._key, algorithm=ALGORITHM, headers=self._headers)


def signer_from(setting: str) -> TokenSigner:
    """Parse `kid:base64url(raw 32-byte Ed25519 private key)`. Raises ValueError without exposing the value."""
    key_id, _, encoded = setting.partition(":")
    try:
        key = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except binascii.Error:
        key = b""
    if not _KEY_ID.fullmatch(key_id) or len(key) != 32:
        raise ValueError("it must be kid:base64url of a raw 32-byte Ed25519 private key")
    return TokenSigner(key_id, key)
