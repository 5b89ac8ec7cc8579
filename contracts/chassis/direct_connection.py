"""Connections that no pooler may share: LISTEN, session advisory locks and replication need one server session.

A pooler assigns each transaction to any of its server sessions, so it answers a client's start-up with a process id of
its own invention. A direct connection has the id of the server process that answers its queries.
"""

from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import psycopg

from contracts.chassis.logins import log_in
from contracts.chassis.settings import ConfigError

_CHECK_SECONDS = 2
_POOLED = "the connection leads to a connection pooler, but needs a server session of its own"


def connect_directly(url: str, **settings: Any) -> psycopg.Connection[tuple[Any, ...]]:
    """Connect as `psycopg.connect` does, with either password of a rotation.

    Raises psycopg.OperationalError, also for a pooled connection.
    """
    connection = log_in(url, lambda each: psycopg.connect(each, **settings))
    try:
        if is_pooled(connection):
            raise psycopg.OperationalError(_POOLED)
    except BaseException:
        connection.close()
        raise
    return connection


def is_pooled(connection: psycopg.Connection[tuple[Any, ...]]) -> bool:
    """Return whether a pooler answers for the server. For connections in autocommit mode."""
    row = connection.execute("SELECT pg_backend_pid()").fetchone()
    return row != (connection.info.backend_pid,)


def require_direct(urls: Mapping[str, str]) -> None:
    """Raise ConfigError if one of the URLs, by the name of its setting, leads to a pooler.

    A database that cannot be reached within two seconds is not refused: `connect_directly` checks each connection.
    """
    for setting, url in urls.items():
        with suppress(psycopg.OperationalError), _connect(url) as connection:
            if is_pooled(connection):
                raise ConfigError(
                    f"{setting} leads to a connection pooler (if unset, it is the URL without DIRECT): set it to the "
                    "server itself, since LISTEN, advisory locks and replication need a session of their own"
                )


def _connect(url: str) -> psycopg.Connection[tuple[Any, ...]]:
    # Without `options`, which poolers refuse: the error would name the parameter in place of the pooler.
    settings: dict[str, Any] = {"autocommit": True, "connect_timeout": _CHECK_SECONDS, "tcp_user_timeout": 2_000}
    return log_in(url, lambda each: psycopg.connect(each, **settings))
