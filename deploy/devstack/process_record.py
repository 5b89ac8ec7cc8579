"""A record of the processes that a supervisor started: if it is killed, the next supervisor stops them."""

import json
import os
import platform
import signal
import subprocess
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from deploy.devstack.child import Child

STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """``started`` distinguishes the process from a later one with the same id."""

    name: str
    pid: int
    started: str
    stop_signal: int


class ProcessRecord:
    """The file. Each process is added as soon as it is started."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, ProcessEntry] = {}

    def add(self, process: Child) -> None:
        """Record a started process. It replaces an earlier one with the same name."""
        if process.pid is None:
            return
        started = process_start_time(process.pid) or ""
        self._entries[process.name] = ProcessEntry(process.name, process.pid, started, process.stop_signal)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps([asdict(entry) for entry in self._entries.values()]))
        unfinished.rename(self._path)

    def exists(self) -> bool:
        """Return whether an earlier supervisor ended without stopping all its processes."""
        return self._path.exists()

    def clear(self) -> None:
        """Remove the file: all processes were stopped."""
        self._entries.clear()
        self._path.unlink(missing_ok=True)

    def stop_leftovers(self) -> list[str]:
        """Stop the processes that an earlier supervisor left, last started first, and return their names."""
        left = [entry for entry in reversed(self._read()) if _is_running(entry)]
        for entry in left:
            _stop(entry)
        self.clear()
        return [entry.name for entry in left]

    def _read(self) -> list[ProcessEntry]:
        try:
            return [ProcessEntry(**entry) for entry in json.loads(self._path.read_text())]
        except (FileNotFoundError, ValueError, TypeError):
            return []


def process_start_time(pid: int) -> str | None:
    """Return the start time in the system's notation; None after the process has ended, also as a zombie."""
    if platform.system() == "Linux":
        return _start_on_linux(pid)
    command = ["ps", "-o", "stat=,lstart=", "-p", str(pid)]
    ps = subprocess.run(command, capture_output=True, text=True, check=False)
    state, _, started = ps.stdout.strip().partition(" ")
    return started.strip() if state and not state.startswith("Z") else None


def _start_on_linux(pid: int) -> str | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses, which may contain blanks; the state follows it.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _is_running(entry: ProcessEntry) -> bool:
    return process_start_time(entry.pid) == entry.started


def _stop(entry: ProcessEntry) -> None:
    """Send the stop signal, wait, then kill the whole session, since a killed master cannot stop its workers."""
    with suppress(ProcessLookupError):
        os.kill(entry.pid, entry.stop_signal)
    deadline = time.monotonic() + STOP_SECONDS
    while _is_running(entry) and time.monotonic() < deadline:
        time.sleep(0.05)
    if _is_running(entry):
        with suppress(ProcessLookupError):
            os.killpg(entry.pid, signal.SIGKILL)
