"""When the current request arrived at this process: the time in its queue counts against its deadline."""

import time
from contextvars import ContextVar

_arrived: ContextVar[float | None] = ContextVar("arrived", default=None)


def set_arrival(moment: float) -> None:
    """Set when the request that this thread handles next arrived, on the monotonic clock."""
    _arrived.set(moment)


def seconds_in_queue() -> float:
    """Return the age of the current request; 0 under a server that does not set its arrival."""
    arrived = _arrived.get()
    return 0.0 if arrived is None else time.monotonic() - arrived
