"""The arrival of the current request, known to the server, and the facts that the application reports to it.

The time in the server's queue counts against the request's deadline. The tenant that the server has read from the
request counts as active once the application has found it.
"""

import time
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(slots=True)
class ArrivedRequest:
    """`moment` is on the monotonic clock."""

    moment: float
    tenant_exists: bool = False


_arrival: ContextVar[ArrivedRequest | None] = ContextVar("arrival", default=None)


def set_arrival(moment: float) -> ArrivedRequest:
    """Set when the request that this thread handles next arrived, and return what the application will complete."""
    arrival = ArrivedRequest(moment)
    _arrival.set(arrival)
    return arrival


def seconds_in_queue() -> float:
    """Return the age of the current request; 0 under a server that does not set its arrival."""
    arrival = _arrival.get()
    return 0.0 if arrival is None else time.monotonic() - arrival.moment


def confirm_tenant() -> None:
    """Tell the server that the tenant of the current request exists."""
    arrival = _arrival.get()
    if arrival is not None:
        arrival.tenant_exists = True
