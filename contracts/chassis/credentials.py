"""Database passwords of the running roles: derived from one secret per deployment, or given role by role.

Set-up assigns the passwords and each process derives those of its own roles, so no password is stored. A process that
is given the passwords of its own roles cannot derive those of others. During a rotation each role has two passwords.
"""

import hashlib
import hmac
import re
from collections.abc import Mapping
from urllib.parse import SplitResult, urlsplit, urlunsplit

PASSWORD_LENGTH = 40
SHORTEST_SECRET = 16
_ENTRY = re.compile(r"([a-z][a-z_]*)=([A-Za-z0-9_-]{16,}(?:,[A-Za-z0-9_-]{16,})?)")


class MissingPassword(Exception):
    """The passwords were given role by role, and that of a role is missing."""


def is_role_secret(value: str) -> bool:
    """Return whether a value is a secret, two separated by a comma (the newer one first), or `role=password` entries.

    The entries are separated by white space; a role may have two passwords, separated by a comma.
    """
    secrets = value.split(",")
    return bool(_given(value)) or (len(secrets) <= 2 and all(len(each.strip()) >= SHORTEST_SECRET for each in secrets))


def role_passwords(secret: str, role: str) -> tuple[str, ...]:
    """Return the passwords of a database role, the newer one first: one, or two during a rotation.

    Raises MissingPassword for a role that the entries do not name.
    """
    given = _given(secret)
    if given:
        if role not in given:
            raise MissingPassword(f"the secret has no entry for the role {role}")
        return given[role]
    return tuple(_derived(each.strip(), role) for each in secret.split(","))


def role_password(secret: str, role: str) -> str:
    """Return the newer password of a database role: 40 hexadecimal digits if it is derived."""
    return role_passwords(secret, role)[0]


def signing_secrets(secret: str, role: str) -> list[str]:
    """Return the keys for data that a role's processes sign, the newer one last; the others are still accepted."""
    keys = role_passwords(secret, role) if _given(secret) else tuple(each.strip() for each in secret.split(","))
    return list(reversed(keys))


def role_url(base_url: str, role: str, secret: str) -> str:
    """Return `base_url` with the credentials of `role` in place of any others.

    With two passwords, separated by a comma, it is a URL for `contracts.chassis.logins` only.
    """
    return _with_user_info(base_url, f"{role}:{','.join(role_passwords(secret, role))}@")


def without_credentials(url: str) -> str:
    """Return `url` without user and password, fit for logs and error messages."""
    return _with_user_info(url, "")


def _derived(secret: str, role: str) -> str:
    if not secret:
        raise ValueError("the role secret is empty")
    return hmac.new(secret.encode(), role.encode(), hashlib.sha256).hexdigest()[:PASSWORD_LENGTH]


def _given(secret: str) -> Mapping[str, tuple[str, ...]]:
    """Return the passwords by role; empty if the value is not a list of entries."""
    entries = [_ENTRY.fullmatch(each) for each in secret.split()]
    return {each[1]: tuple(each[2].split(",")) for each in entries if each} if all(entries) else {}


def _with_user_info(url: str, user_info: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=user_info + _host_and_port(parts)))


def _host_and_port(parts: SplitResult) -> str:
    return parts.netloc.rpartition("@")[2]
