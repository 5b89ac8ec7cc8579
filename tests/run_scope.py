"""Resources that live as long as one test run and are shared by its workers.

A holder is a process `python -m MODULE FOLDER`, started on first use. It writes `MODULE.json` into FOLDER when its
resources are ready, and ends when the lock on FOLDER/run is released. The pytest process that started the run holds the
lock, so the holders end with it, even after `kill -9`.
"""

import fcntl
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import IO, Any

_ROOT = Path(__file__).resolve().parents[1]
START_SECONDS = 240.0
STOP_SECONDS = 30.0
_MEMORY = Path("/dev/shm")
_ROOM = 4 << 30


def memory() -> Path | None:
    """Return a memory-backed folder with enough room, or None. Creating databases there is 20 times as fast."""
    return _MEMORY if _MEMORY.is_dir() and shutil.disk_usage(_MEMORY).free > _ROOM else None


def hold_run(folder: Path) -> IO[str]:
    """Keep the holders of this run alive until the returned file is closed."""
    run = (folder / "run").open("w")
    fcntl.flock(run, fcntl.LOCK_EX)
    return run


def end_run(run: IO[str], folder: Path) -> None:
    """Wait until every holder has cleaned up, and remove the folder."""
    run.close()
    deadline = time.monotonic() + STOP_SECONDS
    while list(folder.glob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.02)
    shutil.rmtree(folder, ignore_errors=True)


def obtain_from_holder(module: str, folder: Path) -> dict[str, Any]:
    """Return the holder's description of its resources; start the holder on first use."""
    with (folder / f"{module}.starting").open("w") as turn:
        fcntl.flock(turn, fcntl.LOCK_EX)
        if not _described(module, folder).exists():
            _start(module, folder)
    described: dict[str, Any] = json.loads(_described(module, folder).read_text())
    return described


def hold_until_the_run_ends(module: str, folder: Path, description: dict[str, Any]) -> None:
    """Publish the description, and block until the run ends. Called by a holder whose resources are ready."""
    unfinished = folder / f"{module}.unfinished"
    unfinished.write_text(json.dumps(description))
    unfinished.rename(_described(module, folder))
    with (folder / "run").open("r+") as run:
        fcntl.flock(run, fcntl.LOCK_EX)


def leave(module: str, folder: Path) -> None:
    """Withdraw the description after cleaning up. After a run that was killed, the last holder removes the folder."""
    _described(module, folder).unlink(missing_ok=True)
    if not list(folder.glob("*.json")):
        shutil.rmtree(folder, ignore_errors=True)


def _described(module: str, folder: Path) -> Path:
    return folder / f"{module}.json"


def _start(module: str, folder: Path) -> None:
    log = folder / f"{module}.log"
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", module, str(folder)],
            cwd=_ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
        )  # fmt: skip
    deadline = time.monotonic() + START_SECONDS
    while not _described(module, folder).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"{module} did not start:\n{log.read_text()}")
        time.sleep(0.02)
