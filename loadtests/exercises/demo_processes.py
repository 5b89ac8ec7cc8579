"""The processes of the demo that runs in this folder, as its supervisor recorded them."""

import contextlib
import json
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from deploy.devstack.process_record import process_start_time
from deploy.errors import CommandError
from loadtests.harness.process_tree import process_tree


class DemoProcesses:
    """Finds and signals them. Raises CommandError for one that is not recorded or does not run."""

    def __init__(self, data: Path) -> None:
        self._record = data / "run" / "processes.json"

    def pid(self, name: str) -> int:
        """Return the process id of the one with this name, such as `scheduling-web`."""
        for entry in self._entries():
            if entry["name"] == name and process_start_time(entry["pid"]) == entry["started"]:
                return int(entry["pid"])
        raise CommandError(f"the demo in this folder runs no {name}: start it with `make demo`, on its own servers")

    def kill(self, name: str) -> None:
        """Kill the process and its descendants without a chance to clean up."""
        for process in reversed(process_tree(self.pid(name))):
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGKILL)  # type: ignore[no-untyped-call]

    @contextlib.contextmanager
    def frozen(self, name: str) -> Iterator[None]:
        """Stop the process and its descendants within the block: they accept connections, and do not reply."""
        processes = process_tree(self.pid(name))
        try:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.suspend()  # type: ignore[no-untyped-call]
            yield
        finally:
            for process in processes:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.resume()  # type: ignore[no-untyped-call]

    def slow_down(self, name: str, seconds: float, *, stopped: float = 0.08, running: float = 0.02) -> None:
        """Let the process and its descendants run only a part of the time, for `seconds`."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            with self.frozen(name):
                time.sleep(stopped)
            time.sleep(running)

    def _entries(self) -> list[dict[str, Any]]:
        try:
            found: list[dict[str, Any]] = json.loads(self._record.read_text())
        except (FileNotFoundError, ValueError) as error:
            raise CommandError(f"no demo runs in {self._record.parents[1]}: start it with `make demo`") from error
        return found
