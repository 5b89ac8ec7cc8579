"""A child process that is started, waited for and stopped, and that does not outlive its parent."""

import re
import signal
import subprocess
import time
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

from deploy.devstack.launch import parent_death_prefix
from deploy.errors import ProcessStartError

POLL_SECONDS = 0.02
# Gunicorn's "Worker failed to boot" explains less than the worker's own output.
GUNICORN_LINE = re.compile(r"\[[-0-9: +]+\] \[\d+\] \[[A-Z]+\] ")


class Child(ABC):
    """One child process. Subclasses define the command and how to check that it is ready.

    It runs in its own session, so that Ctrl-C reaches only the parent, which stops its children in order. On Linux it
    receives ``stop_signal`` when the thread that launched it ends: launch from the main thread.
    """

    stop_signal = signal.SIGTERM
    start_seconds = 60.0
    stop_seconds = 15.0

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._stop_requested = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The id of the process itself, not of a wrapper; None when it does not run."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def exit_description(self) -> str:
        """The signal or exit code with which it ended, for a message."""
        code = self._process.returncode if self._process else None
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def output(self) -> str:
        """Its output since the last launch."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def start(self) -> None:
        """Launch it unless it runs already, and wait until it is ready."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Start it without waiting, so that several can start in parallel."""
        if self.pid is None:
            self._prepare()
            self._log_start = self.log.stat().st_size if self.log.exists() else 0
            self._stop_requested = False
            self._process = self._spawn()

    def wait_until_ready(self) -> None:
        """Wait until it is ready. Raises ProcessStartError."""
        begun = time.monotonic()
        # The process id is checked last: if ours has ended, another program on its port might have answered.
        while not (self._is_ready() and self.pid is not None):
            waited = time.monotonic() - begun
            if waited > self.start_seconds or (self.pid is None and not self._should_wait_longer(waited)):
                raise ProcessStartError(self.name, self.log, last_log_lines(self.output()))
            time.sleep(POLL_SECONDS)

    def request_stop(self) -> None:
        """Send the stop signal once, without waiting, so that several can stop in parallel."""
        if self.pid is not None and self._process is not None and not self._stop_requested:
            self._process.send_signal(self.stop_signal)
            self._stop_requested = True

    def stop(self) -> None:
        """Stop it, by force after ``stop_seconds``. Returns when it has ended."""
        self.request_stop()
        if self._process is not None:
            try:
                self._process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """Kill it without a chance to clean up. Returns when it has ended."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """Return the command line."""

    @abstractmethod
    def _is_ready(self) -> bool:
        """Return whether it serves now."""

    def _prepare(self) -> None:  # noqa: B027 (optional)
        """Create the files that it needs, or raise CommandError."""

    def _prefix(self) -> Sequence[str]:
        """Return a program that changes credentials and then executes the command."""
        return ()

    def _environment(self) -> Mapping[str, str] | None:
        return None

    def _should_wait_longer(self, waited: float) -> bool:
        """Handle an exit before it was ready, ``waited`` seconds after its start: launch it again, or return False."""
        return False

    def _spawn(self) -> subprocess.Popen[bytes]:
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            return subprocess.Popen(
                [*self._prefix(), *parent_death_prefix(self.stop_signal), *self._command()],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=self._environment(),
                start_new_session=True,
            )


def last_log_lines(output: str, count: int = 2) -> str:
    """Return the end of a process's output on one line, for an error message."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    informative = [line for line in lines if not GUNICORN_LINE.match(line)]
    return " | ".join((informative or lines)[-count:])
