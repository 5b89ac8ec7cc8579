"""File locks: one stack per data folder, one laboratory per machine."""

import contextlib
import fcntl
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from deploy.errors import CommandError


def lock_data_folder(path: Path) -> contextlib.AbstractContextManager[None]:
    """Hold a data folder's lock file. Raises CommandError while another demo holds it."""
    folder = path.parent.parent
    return file_lock(
        path,
        lambda process: (
            f"a demo runs in {folder} already (process {process}): "
            "stop it with Ctrl-C, or set DATA_DIR and the ports to run a second one"
        ),
    )


@contextlib.contextmanager
def file_lock(path: Path, describe_holder: Callable[[str], str]) -> Iterator[None]:
    """Hold the lock file until the block or this process ends.

    Raises CommandError, with the message that `describe_holder` returns for the id of the process that holds it.
    """
    with _opened(path) as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            raise CommandError(describe_holder(file.read().strip())) from error
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield


def _opened(path: Path) -> IO[str]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("a+")
    except OSError as error:
        raise CommandError(
            f"cannot write to {path.parent.parent} ({error.strerror}): set DATA_DIR to a folder that you may write to"
        ) from error
