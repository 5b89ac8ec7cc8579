"""Stops a web server in two steps, so that a load balancer sees that it will stop before it refuses connections."""

import os
import signal
import threading
from collections.abc import Callable
from typing import Protocol

from contracts.chassis.draining import DRAINING


class GunicornMaster(Protocol):
    """The used part of gunicorn's arbiter."""

    handle_term: Callable[[], None]
    master_pid: int
    """The process id of the master that this one replaces after SIGUSR2; 0 without one."""


def drain_before_stopping(master: GunicornMaster, seconds: int) -> None:
    """Let the first SIGTERM turn readiness off, and stop `seconds` later. A second SIGTERM stops at once.

    Requests are served in between; after that, gunicorn stops accepting and finishes what runs. Call it before the
    master forks workers.
    """
    stop = master.handle_term
    DRAINING.share()

    def drain() -> None:
        if DRAINING.is_set():
            stop()
        DRAINING.set()
        timer = threading.Timer(seconds, os.kill, (os.getpid(), signal.SIGTERM))
        timer.daemon = True
        timer.start()

    master.handle_term = drain
