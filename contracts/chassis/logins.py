"""Logging in with a password that may be in rotation: a URL with two passwords, which are tried in order.

Each process accepts both passwords before the servers change theirs, so no process is locked out by the change.
"""

from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

import psycopg

C = TypeVar("C")


def alternatives(url: str) -> tuple[str, ...]:
    """Return a URL of each password, in the order of the passwords."""
    parts = urlsplit(url)
    user_info, at, hosts = parts.netloc.rpartition("@")
    user, colon, passwords = user_info.partition(":")
    return tuple(
        parts._replace(netloc=f"{user}{colon}{password}{at}{hosts}").geturl() for password in passwords.split(",")
    )


def log_in(url: str, connect: Callable[[str], C]) -> C:
    """Return what `connect` returns for the first URL whose password is accepted. Raises psycopg.OperationalError."""
    newer, *older = alternatives(url)
    try:
        return connect(newer)
    except psycopg.OperationalError as error:
        if not older or not was_password_sent(error):
            raise
        return _retry(error, older[0], connect)


def accepted_url(url: str) -> str:
    """Return the URL whose password the server accepts now. Connects only if there are two."""
    return log_in(url, _verify) if len(alternatives(url)) > 1 else url


def was_password_sent(error: psycopg.OperationalError) -> bool:
    """Return whether a connection failed after its password was sent: it was refused, or something failed later."""
    return error.pgconn is not None and error.pgconn.used_password


def _retry(refused: psycopg.OperationalError, url: str, connect: Callable[[str], C]) -> C:
    try:
        return connect(url)
    except psycopg.OperationalError as error:
        raise psycopg.OperationalError(f"{refused}; with the older password: {error}") from error


def _verify(url: str) -> str:
    psycopg.connect(url, connect_timeout=3).close()
    return url
