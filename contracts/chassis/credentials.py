"""Database passwords of the running roles, derived from one secret per deployment.

Set-up assigns the passwords and each process derives those of its own roles, so no password is stored.
"""

import hashlib
import hmac
from urllib.parse import SplitResult, urlsplit, urlunsplit

PASSWORD_LENGTH = 40


def role_password(secret: str, role: str) -> str:
    """Return the password of a database role: 40 hexadecimal digits."""
    if not secret:
        raise ValueError("the role secret is empty")
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:PASSWORD_LENGTH]


def role_url(base_url: str, role: str, secret: str) -> str:
    """Return `base_url` with the credentials of `role` in place of any others."""
    return _with_user_info(base_url, f"{role}:{role_password(secret, role)}@")


def without_credentials(url: str) -> str:
    """Return `url` without user and password, fit for logs and error messages."""
    return _with_user_info(url, "")


def _with_user_info(url: str, user_info: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=user_info + _host_and_port(parts)))


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
