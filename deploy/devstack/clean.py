"""Remove the files of the development stack: `python -m deploy.devstack.clean`. Needs no installed package."""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from deploy.devstack.lock import lock_data_folder
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError

STACK_FILES = (
    *("postgres-monolith", "postgres-scheduling", "valkey", "mail", "logs", "secrets.json", "run"),
    *("learning.json", "load.json"),
)
STACK_PATTERN = "load-*.json"


def clean(data: Path) -> None:
    """Remove the stack's files, and the folder if it is then empty. Raises CommandError while a demo runs in it."""
    if not data.exists():
        return
    with lock_data_folder(data / "run" / "lock"):
        for path in (*(data / name for name in STACK_FILES), *data.glob(STACK_PATTERN)):
            _remove(path)
    with suppress(OSError):
        data.rmdir()


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


if __name__ == "__main__":
    try:
        clean(read_settings(os.environ).data)
    except (CommandError, OSError) as error:
        print(f"clean: {error}", file=sys.stderr)  # noqa: T201
        sys.exit(2)
