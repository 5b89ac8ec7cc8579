"""Start a child process that does not outlive this one, and stop it."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from deploy.devstack import launch


def spawn(
    command: Sequence[str],
    *,
    log: Path,
    stop_signal: signal.Signals = signal.SIGTERM,
    prefix: Sequence[str] = (),
    environment: Mapping[str, str] | None = None,
) -> subprocess.Popen[bytes]:
    """Start ``command`` with its output appended to ``log``, in a session of its own.

    A session of its own, so that Ctrl-C reaches only the parent, which stops its children in order. On Linux
    the child gets ``stop_signal`` when the thread that called this ends: call it from the main thread. The
    process id is that of ``command`` itself. ``prefix`` changes credentials and then becomes the rest.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    launcher = [sys.executable, "-I", "-S", launch.__file__, str(os.getpid()), str(int(stop_signal))]
    with log.open("ab") as output:
        return subprocess.Popen(
            [*prefix, *launcher, *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes], stop_signal: signal.Signals, *, patience: float) -> None:
    """Ask the process to stop, wait ``patience`` seconds, then kill it. Returns when it is gone."""
    if process.poll() is not None:
        return
    process.send_signal(stop_signal)
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def last_lines(log: Path, count: int = 5) -> str:
    """The end of a log, joined into one line, for an error message."""
    if not log.exists():
        return "(no output)"
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 4096))
        lines = file.read().decode(errors="replace").splitlines()
    return " | ".join(line.strip() for line in lines[-count:] if line.strip()) or "(no output)"
