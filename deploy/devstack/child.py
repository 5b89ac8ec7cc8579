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
# "Worker failed to boot" says less than what the worker itself had to say.
GUNICORN_LINE = re.compile(r"\[[-0-9: +]+\] \[\d+\] \[[A-Z]+\] ")


class Child(ABC):
    """One process. Subclasses say what to run and how to see that it serves.

    It runs in a session of its own, so that Ctrl-C reaches only the parent, which stops its children in
    order. On Linux it gets ``stop_signal`` when the thread that launched it ends: launch from the main
    thread.
    """

    stop_signal = signal.SIGTERM
    start_seconds = 60.0
    stop_seconds = 15.0

    def __init__(self, name: str, log: Path) -> None:
        self.name = name
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0
        self._asked = False

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def pid(self) -> int | None:
        """The process itself, not a wrapper, while it runs."""
        return self._process.pid if self._process and self._process.poll() is None else None

    @property
    def how_it_ended(self) -> str:
        """For a message, after ``pid`` became None."""
        code = self._process.returncode if self._process else None
        return f"signal {-code}" if code is not None and code < 0 else f"exit code {code}"

    def output(self) -> str:
        """What it has said since it was launched last."""
        with self.log.open("rb") as log:
            log.seek(self._log_start)
            return log.read().decode(errors="replace")

    def start(self) -> None:
        """Return when it serves. A running process is left as it is."""
        self.launch()
        self.wait_until_ready()

    def launch(self) -> None:
        """Begin to start, without waiting, so that several can start at once."""
        if self.pid is None:
            self._prepare()
            self._log_start = self.log.stat().st_size if self.log.exists() else 0
            self._asked = False
            self._process = self._spawn()

    def wait_until_ready(self) -> None:
        """Return when what was launched serves."""
        begun = time.monotonic()
        # Asked after the answer, since it could come from a stranger that took the port when ours ended.
        while not (self._answers() and self.pid is not None):
            waited = time.monotonic() - begun
            if waited > self.start_seconds or (self.pid is None and not self._tries_again(waited)):
                raise ProcessStartError(self.name, self.log, last_log_lines(self.output()))
            time.sleep(POLL_SECONDS)

    def ask_to_stop(self) -> None:
        """Send the stop signal, once, without waiting, so that several can stop at once."""
        if self.pid is not None and self._process is not None and not self._asked:
            self._process.send_signal(self.stop_signal)
            self._asked = True

    def stop(self) -> None:
        """Ask it to stop, and kill it if it does not. Returns when it is gone."""
        self.ask_to_stop()
        if self._process is not None:
            try:
                self._process.wait(self.stop_seconds)
            except subprocess.TimeoutExpired:
                self.kill()

    def kill(self) -> None:
        """End it at once, with no chance to tidy up. Returns when it is gone."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    @abstractmethod
    def _command(self) -> Sequence[str]:
        """What to run."""

    @abstractmethod
    def _answers(self) -> bool:
        """Whether it serves at this moment."""

    def _prepare(self) -> None:  # noqa: B027 (most need nothing)
        """Make what it needs to run, or refuse."""

    def _prefix(self) -> Sequence[str]:
        """A program that changes credentials and then becomes the command."""
        return ()

    def _environment(self) -> Mapping[str, str] | None:
        return None

    def _tries_again(self, waited: float) -> bool:
        """It ended ``waited`` seconds after its start, before it served: launch it again, or give up."""
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
    """The end of what a process said, on one line, for an error message."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    telling = [line for line in lines if not GUNICORN_LINE.match(line)]
    return " | ".join((telling or lines)[-count:])
