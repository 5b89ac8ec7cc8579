"""A small file system for the appointments of the service's database, and a way to fill it. Requires root."""

import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg

from tests.cutover.deployment import Deployment

_SIZE = "8m"
_TABLESPACE = "soak_disk"
_PAGE = bytes(4096)


class SmallDisk:
    """A file next to the appointments, which a fault lets grow until nothing is left.

    Not a table: to truncate one, Postgres needs a free page.
    """

    def __init__(self, folder: Path) -> None:
        self._filler = folder / "filler"

    def fill(self, seconds: float) -> None:
        """Leave no room for a new page, for a while."""
        try:
            with contextlib.suppress(OSError), self._filler.open("wb", buffering=0) as file:
                while file.write(_PAGE):
                    pass
            time.sleep(seconds)
        finally:
            self._filler.unlink(missing_ok=True)


@contextlib.contextmanager
def small_disk(deployment: Deployment) -> Iterator[SmallDisk | None]:
    """Move the appointments to a small disk within the block; None where mounting is not allowed."""
    folder = Path(tempfile.mkdtemp(prefix="soak_disk_"))
    mount = ["mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "extraction-soak", str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        folder.rmdir()
        yield None
        return
    url = deployment.servers.target("scheduling").url
    try:
        with psycopg.connect(url, autocommit=True) as db:
            [(data,)] = db.execute("SHOW data_directory").fetchall()
            owner = Path(data).stat()
            os.chown(folder, owner.st_uid, owner.st_gid)
            db.execute(f"CREATE TABLESPACE {_TABLESPACE} LOCATION '{folder}'".encode())
            db.execute(f"ALTER TABLE scheduling.appointment SET TABLESPACE {_TABLESPACE}".encode())
        yield SmallDisk(folder)
    finally:
        with contextlib.suppress(psycopg.Error), psycopg.connect(url, autocommit=True) as db:
            db.execute("ALTER TABLE scheduling.appointment SET TABLESPACE pg_default")
            db.execute(f"DROP TABLESPACE IF EXISTS {_TABLESPACE}".encode())
        subprocess.run(["umount", "--lazy", str(folder)], check=False)
