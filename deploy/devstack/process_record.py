"""Which processes a supervisor has started, on disk: the next one clears what a killed one left."""

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

PATIENCE_SECONDS = 10.0


@dataclass(frozen=True, slots=True)
class ProcessEntry:
    """``started`` tells the process apart from a later one with the same number."""

    name: str
    pid: int
    started: str
    stop_signal: int


class ProcessRecord:
    """The file. A process is written down as soon as it is started."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries: dict[str, ProcessEntry] = {}

    def note(self, process: Child) -> None:
        """The process was started, in place of any earlier one of its name."""
        if process.pid is None:
            return
        started = process_start_time(process.pid) or ""
        self._entries[process.name] = ProcessEntry(process.name, process.pid, started, process.stop_signal)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = self._path.with_suffix(".unfinished")
        unfinished.write_text(json.dumps([asdict(entry) for entry in self._entries.values()]))
        unfinished.rename(self._path)

    def exists(self) -> bool:
        """Whether an earlier supervisor ended without stopping everything."""
        return self._path.exists()

    def clear(self) -> None:
        """Everything was stopped."""
        self._entries.clear()
        self._path.unlink(missing_ok=True)

    def end_leftovers(self) -> list[str]:
        """Stop what an earlier supervisor left running, last started first, and name it."""
        left = [entry for entry in reversed(self._read()) if _runs(entry)]
        for entry in left:
            _end(entry)
        self.clear()
        return [entry.name for entry in left]

    def _read(self) -> list[ProcessEntry]:
        try:
            return [ProcessEntry(**entry) for entry in json.loads(self._path.read_text())]
        except (FileNotFoundError, ValueError, TypeError):
            return []


def process_start_time(pid: int) -> str | None:
    """When the process started, in the system's own notation; None when it has ended, reaped or not."""
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
    # The second field is the program's name in parentheses, which may hold blanks; the state follows it.
    fields = stat.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else fields[19]


def _runs(entry: ProcessEntry) -> bool:
    return process_start_time(entry.pid) == entry.started


def _end(entry: ProcessEntry) -> None:
    """Ask, wait, kill; the whole session, since a master that is killed cannot stop its workers."""
    with suppress(ProcessLookupError):
        os.kill(entry.pid, entry.stop_signal)
    deadline = time.monotonic() + PATIENCE_SECONDS
    while _runs(entry) and time.monotonic() < deadline:
        time.sleep(0.05)
    if _runs(entry):
        with suppress(ProcessLookupError):
            os.killpg(entry.pid, signal.SIGKILL)
