"""A connection that does not wait for a server that is silent."""

from typing import Any

import psycopg
from psycopg.abc import RV, PQGen
from psycopg.errors import _WaitTimeout

STATEMENT_SECONDS = 12.0
"""Longer than `statement_timeout` of the roles, so that a server that works reports its own error."""
FIRST_REPLY_SECONDS = 3.0
"""Limits BEGIN, and reads of a single row."""


class ServerSilent(psycopg.OperationalError):
    """The server acknowledges what is sent, but does not reply, such as one that is frozen."""


class BoundedConnection(psycopg.Connection[Any]):
    """Closes itself and raises ServerSilent if a reply takes longer than `patience`, in seconds.

    No setting of libpq or of TCP covers that: the kernel of a frozen server acknowledges every packet.
    """

    patience: float | None = None
    """None: STATEMENT_SECONDS."""

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        try:
            return super().wait(gen, interval, timeout or self.patience or STATEMENT_SECONDS)
        except _WaitTimeout:
            self.pgconn.finish()
            raise ServerSilent("the server does not reply") from None
