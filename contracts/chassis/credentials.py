"""Passwords of the database's running roles, derived from one secret per deployment.

Set-up gives each role its password and each process works out the password of the roles it runs as,
so no list of passwords has to be stored or handed around.
"""

import hashlib
import hmac
from urllib.parse import SplitResult, urlsplit, urlunsplit

PASSWORD_LENGTH = 40


def role_password(secret: str, role: str) -> str:
    """The password of ``role`` in the deployment that holds ``secret``: 40 hexadecimal digits."""
    if not secret:
        raise ValueError("the role secret is empty")
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:PASSWORD_LENGTH]


def role_url(base_url: str, role: str, secret: str) -> str:
    """``base_url`` (host, port, database, options) with the credentials of ``role`` instead of any others."""
    return _with_user_info(base_url, f"{role}:{role_password(secret, role)}@")


def without_credentials(url: str) -> str:
    """``url`` as it may stand in a process's environment, a log or an error message."""
    return _with_user_info(url, "")


def _with_user_info(url: str, user_info: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=user_info + _host_and_port(parts)))


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
