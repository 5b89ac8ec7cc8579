"""Logs as one JSON object a line. JSON escapes text from outside, so that no value can begin a line of its own."""

import contextlib
import logging
import os
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

GATHERING_SECONDS = 0.05
MOST_GATHERED = 100_000
"""Lines; a log that cannot be written loses its oldest, not the process its memory."""

_encode = msgspec.json.Encoder(enc_hook=str).encode
_traceback = logging.Formatter().formatException


class JsonLines(logging.Handler):
    """A record's `fields` (given as `extra={"fields": {...}}`) stand beside its time, level and event.

    A thread writes what has gathered every 50 ms, since a write for each request lets go of the interpreter once more
    in each: measured, that cost a tenth of a slot search. A warning or worse is written at once, with all before it. A
    process that is killed takes the last 50 ms of its log with it.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._descriptor = stream.fileno()
        self._gathered: deque[bytes] = deque(maxlen=MOST_GATHERED)
        self._writing = threading.Lock()
        self._writer: threading.Thread | None = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock that `logging` holds around a handler: appending needs none."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._gathered.append(line_of(record))
            if record.levelno >= logging.WARNING:
                self.flush()
            elif self._writer is None:
                self._start_writer()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write what has gathered. `logging` also does this when the process ends."""
        with self._writing:
            lines = []
            while self._gathered:
                lines.append(self._gathered.popleft())
            rest = b"".join(lines)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def _start_writer(self) -> None:
        with self._writing:
            if self._writer is None:
                self._writer = threading.Thread(target=self._write_now_and_then, name="log", daemon=True)
                self._writer.start()

    def _write_now_and_then(self) -> None:
        while True:
            time.sleep(GATHERING_SECONDS)
            if self._gathered:
                with contextlib.suppress(OSError):
                    self.flush()


def line_of(record: logging.LogRecord) -> bytes:
    """The line, its end included."""
    line: dict[str, Any] = {
        "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": record.getMessage(),
        "logger": record.name,
        **getattr(record, "fields", {}),
    }
    if record.exc_info:
        line["error"] = _traceback(record.exc_info)
    return _encode(line) + b"\n"


def log_to(stream: TextIO, level: int = logging.INFO) -> None:
    """Send every log of this process to `stream`."""
    logging.basicConfig(level=level, handlers=[JsonLines(stream)], force=True)
    # What a record could find out about its thread, process and caller is not in the line.
    # (https://docs.python.org/3/howto/logging.html#optimization)
    # Not logProcesses: gunicorn puts the process into each of its own lines.
    logging.logThreads = logging.logMultiprocessing = False
    logging._srcfile = None
