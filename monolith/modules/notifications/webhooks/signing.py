"""Secrets and signatures of Standard Webhooks 1.0, symmetric.

The specification's library is not used: it verifies webhooks for receivers, and would add four packages for one HMAC.
"""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

SECRET_BYTES: Final = 32


def new_secret() -> bytes:
    return secrets.token_bytes(SECRET_BYTES)


def secret_text(secret: bytes) -> str:
    """Return a secret as receivers enter it."""
    return "whsec_" + base64.b64encode(secret).decode()


def signed_headers(message_id: str, timestamp: int, body: bytes, active: Iterable[bytes]) -> Mapping[str, str]:
    """Return the headers of a request, with a signature by each active secret."""
    content = f"{message_id}.{timestamp}.".encode() + body
    signatures = (base64.b64encode(hmac.new(secret, content, hashlib.sha256).digest()).decode() for secret in active)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{each}" for each in signatures),
    }
