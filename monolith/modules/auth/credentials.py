"""Session and token secrets. A secret is returned once; only its hash is stored.

Each has 256 random bits, so a fast hash is safe against brute force.
"""

import hashlib
import re
import secrets

TOKEN_PREFIX = "bk_"  # noqa: S105
"""Identifies leaked tokens to secret scanners."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def new_session_secret() -> str:
    return secrets.token_urlsafe(32)


def new_token_secret() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def is_session_secret(text: str) -> bool:
    """Return whether `text` has the format of a session secret; if not, no database lookup is needed."""
    return _SECRET.fullmatch(text) is not None


def is_token_secret(text: str) -> bool:
    return text.startswith(TOKEN_PREFIX) and is_session_secret(text.removeprefix(TOKEN_PREFIX))
