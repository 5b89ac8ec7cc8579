"""Free TCP ports."""

import contextlib
import os
import secrets
import socket
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path

from deploy.errors import CommandError

HOST = "127.0.0.1"
# Below the range of outgoing connections on Linux (from 32768) and macOS (from 49152), so that a port is still free
# when its server restarts.
FIRST, LAST = 20_000, 32_000
RESERVED_SECONDS = 60.0
"""The time that a server has to start on a port before another process may get the same one."""


def free_port() -> int:
    """Return a port that is free, and that no process of this user has got from here a moment ago."""
    for _ in range(1_000):
        port = FIRST + secrets.randbelow(LAST - FIRST)
        if is_free(port) and _reserve(port):
            return port
    raise OSError(f"no free port between {FIRST} and {LAST}")


def free_ports(names: Iterable[str]) -> dict[str, int]:
    """Return a port as `free_port` does for each name, no two alike."""
    return {name: free_port() for name in names}


def _reserve(port: int) -> bool:
    """Return whether the port is now reserved for the caller."""
    folder = Path(tempfile.gettempdir()) / f"extraction-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    reservation = folder / str(port)
    with contextlib.suppress(FileNotFoundError):
        if time.time() - reservation.stat().st_mtime > RESERVED_SECONDS:
            reservation.unlink()
    try:
        reservation.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def is_free(port: int) -> bool:
    """Return whether a server could listen on the port. Connections in TIME_WAIT do not count.

    Raises CommandError for a port that this user may not listen on.
    """
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except PermissionError as error:
            raise CommandError(
                f"this user may not listen on port {port}: choose a port from 1024 up, or run as a user who may"
            ) from error
        except OSError:
            return False
        return True
