"""Verification of service tokens.

The rules are stricter than the JWT standard's, because both ends belong to one product: exactly three header fields
(which excludes `jku`, `jwk`, `x5u` and `crit`), one issuer, one audience as a plain string, a short lifetime.
"""

import time
from collections.abc import Mapping
from typing import Any

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from contracts.scheduling.errors import Forbidden, Unauthenticated
from contracts.scheduling.operations import Operation
from contracts.scheduling.service_tokens import ALGORITHM, AUDIENCE, ISSUER, LONGEST_LIFETIME, TYPE, Claims

LEEWAY = 5
"""The tolerated difference between the two clocks, in seconds."""

_HEADER = {"alg", "typ", "kid"}
_MAX_CACHED = 4096


def require_purpose(claims: Claims, operation: Operation[Any, Any], key: str | None) -> None:
    """Raise Forbidden or Unauthenticated for a valid token that was issued for another purpose."""
    if (claims.scope == "write") != operation.writes:
        raise Forbidden(f"A token with scope {claims.scope} cannot call {operation.name}.")
    if operation.writes and (claims.jti != key or claims.op != operation.name):
        raise Unauthenticated("The service token was issued for another write.")


class TokenVerifier:
    """Verifies tokens. Thread-safe. Caches the tokens of reads, which are reused, until they expire."""

    def __init__(self, keys: Mapping[str, bytes]) -> None:
        self._keys = {key_id: Ed25519PublicKey.from_public_bytes(raw) for key_id, raw in keys.items()}
        self._verified: dict[str, Claims] = {}

    def claims(self, authorization: str) -> Claims:
        """Return the verified claims of an Authorization header. Raises Unauthenticated."""
        scheme, _, token = authorization.partition(" ")
        if scheme.lower() != "bearer" or not token:
            raise Unauthenticated("Send a service token in the Authorization header.")
        return self._cached(token) or self._verify(token)

    def _cached(self, token: str) -> Claims | None:
        claims = self._verified.get(token)
        return claims if claims is not None and time.time() < claims.exp else None

    def _verify(self, token: str) -> Claims:
        try:
            claims = msgspec.convert(self._payload(token), Claims)
        except jwt.ExpiredSignatureError:
            raise Unauthenticated("The service token has expired; compare the clocks of the two services.") from None
        except (jwt.PyJWTError, msgspec.ValidationError, ValueError, TypeError) as error:
            raise Unauthenticated("The service token is not valid.") from error
        if not 0 < claims.exp - claims.iat <= LONGEST_LIFETIME:
            raise Unauthenticated(f"A service token may be valid for at most {LONGEST_LIFETIME} seconds.")
        if claims.scope == "read":
            self._cache(token, claims)
        return claims

    def _payload(self, token: str) -> dict[str, Any]:
        header = jwt.get_unverified_header(token)
        if header.keys() != _HEADER or header["typ"] != TYPE:
            raise jwt.InvalidTokenError("unexpected header")
        key = self._keys.get(header["kid"])
        if key is None:
            raise jwt.InvalidTokenError("unknown key id")
        return jwt.decode(
            token,
            key,
            algorithms=[ALGORITHM],
            issuer=ISSUER,
            audience=AUDIENCE,
            leeway=LEEWAY,
            options={"require": ["exp", "iat", "iss", "aud", "jti"], "strict_aud": True},
        )

    def _cache(self, token: str, claims: Claims) -> None:
        if len(self._verified) >= _MAX_CACHED:
            self._verified.clear()
        self._verified[token] = claims
