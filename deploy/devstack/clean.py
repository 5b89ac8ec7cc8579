"""`python -m deploy.devstack.clean`: remove what the development stack has written. Needs nothing installed."""

import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path

from deploy.devstack.lock import lock_data_folder
from deploy.devstack.settings import read_settings
from deploy.errors import CommandError

OURS = ("postgres-monolith", "postgres-scheduling", "valkey", "mail", "logs", "secrets.json", "run")


def clean(data: Path) -> None:
    """Remove our own files, and the folder when nothing else is in it. Refused while a demo runs in it."""
    if not data.exists():
        return
    with lock_data_folder(data / "run" / "lock"):
        for name in OURS:
            _remove(data / name)
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
