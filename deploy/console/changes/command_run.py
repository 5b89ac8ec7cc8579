"""Run a command of `extraction` as a child process, for changes that are programs of their own."""

import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import IO

from deploy.console.changes.change import Report
from deploy.devstack.launch import parent_death_prefix
from deploy.errors import CommandError

POLL_SECONDS = 0.5
STOP_SECONDS = 60.0
"""For a command that was interrupted: it may stop servers of its own."""


def run_command(arguments: Sequence[str], report: Report, *, success: Sequence[int] = (0,)) -> str:
    """Run `extraction ARGUMENTS`, report each line of its output, and return the last one.

    A withdrawn request interrupts the command as Ctrl-C does. On Linux it is also interrupted when this process ends.
    Raises CommandError with the last line for an exit code that is not in `success`, and what `report` raises.
    """
    process = subprocess.Popen(
        [*parent_death_prefix(signal.SIGINT), sys.executable, "-m", "deploy.cli.main", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
        start_new_session=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        last = _follow(process, report)
        code = process.wait()
    except BaseException:
        _interrupt(process)
        raise
    if code not in success:
        raise CommandError(last.removeprefix("extraction: ") or f"the command ended with exit code {code}")
    return last


def _follow(process: "subprocess.Popen[str]", report: Report) -> str:
    """Report lines until the output ends, and return the last one that is not blank."""
    assert process.stdout is not None
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process.stdout, lines), name="command output", daemon=True).start()
    last = ""
    while True:
        try:
            line = lines.get(timeout=POLL_SECONDS)
        except queue.Empty:
            report("")
            continue
        if line is None:
            return last
        last = line.strip() or last
        report(line)


def _read(output: IO[str], lines: "queue.SimpleQueue[str | None]") -> None:
    for line in output:
        lines.put(line.rstrip("\n"))
    lines.put(None)


def _interrupt(process: "subprocess.Popen[str]") -> None:
    process.send_signal(signal.SIGINT)
    try:
        process.wait(STOP_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
