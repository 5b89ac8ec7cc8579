"""Secrets that prove who somebody is. They are given out once; only their hashes are stored.

Each has 256 random bits, so a plain hash of it cannot be reversed by trying.
"""

import hashlib
import re
import secrets

TOKEN_PREFIX = "bk_"  # noqa: S105
"""Lets a person, or a scanner of public code, see what leaked."""

_SECRET = re.compile(r"[A-Za-z0-9_-]{43}")


def new_session_secret() -> str:
    return secrets.token_urlsafe(32)


def new_token_secret() -> str:
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def hash_secret(secret: str) -> bytes:
    return hashlib.sha256(secret.encode()).digest()


def is_session_secret(text: str) -> bool:
    """Whether it could be one; what could not needs no look into the database."""
    return _SECRET.fullmatch(text) is not None


def is_token_secret(text: str) -> bool:
    return text.startswith(TOKEN_PREFIX) and is_session_secret(text.removeprefix(TOKEN_PREFIX))
