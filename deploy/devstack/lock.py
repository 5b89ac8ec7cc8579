"""One stack per data folder."""

import contextlib
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deploy.errors import SurroundingsError


@contextlib.contextmanager
def only_one(path: Path) -> Iterator[None]:
    """Hold the lock file; it is free again as soon as this process is gone, however it ended."""
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise SurroundingsError(
                f"a demo runs in {path.parent.parent} already (process {file.read().strip()}): "
                "stop it with Ctrl-C, or set DATA_DIR and the ports to run another beside it"
            ) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+")
    except OSError as error:
        raise SurroundingsError(
            f"cannot write to {path.parent.parent} ({error.strerror}): set DATA_DIR to a folder that you may write to"
        ) from error
