"""Structured logs: one JSON object per line. JSON escaping prevents log injection through line breaks."""

import contextlib
import logging
import os
import re
import threading
import time
from collections import deque
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

FLUSH_SECONDS = 0.05
MOST_BUFFERED_LINES = 100_000
"""When the stream cannot be written, the oldest lines are dropped, so that memory stays bounded."""

_VALUES = re.compile(r"\s*(?:DETAIL|CONTEXT):[^\n]*|\s*\[parameters: [^\n]*")

_INPUT = re.compile(r'(invalid input (?:syntax|value) for [^:\n]*): "[^\n]*"')

_encode = msgspec.json.Encoder(enc_hook=str).encode
_traceback = logging.Formatter().formatException


class JsonLines(logging.Handler):
    """A handler that writes a record's time, level and event, and its `fields` (`extra={"fields": {...}}`).

    A thread flushes the buffer 50 ms after its first line: a write per request releases the GIL once more in each,
    which cost a tenth of a slot search when measured. A warning or an error is flushed at once, with everything before
    it. A process that is killed loses at most the last 50 ms of its log.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._descriptor = stream.fileno()
        self._buffer: deque[bytes] = deque(maxlen=MOST_BUFFERED_LINES)
        self._pending = threading.Event()
        self._writing = threading.Lock()
        self._writer: threading.Thread | None = None

    def handle(self, record: logging.LogRecord) -> bool:
        """Append without the lock that `logging` holds around a handler: `deque.append` is thread-safe."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._buffer.append(line_of(record))
            if record.levelno >= logging.WARNING:
                self.flush()
                return
            if not self._pending.is_set():
                self._pending.set()
            if self._writer is None:
                self._start_writer()
        except Exception:
            self.handleError(record)

    def flush(self) -> None:
        """Write the buffer. `logging` also calls this when the process exits."""
        with self._writing:
            lines = []
            while self._buffer:
                lines.append(self._buffer.popleft())
            rest = b"".join(lines)
            while rest:
                rest = rest[os.write(self._descriptor, rest) :]

    def _start_writer(self) -> None:
        with self._writing:
            if self._writer is None:
                self._writer = threading.Thread(target=self._flush_periodically, name="log", daemon=True)
                self._writer.start()

    def _flush_periodically(self) -> None:
        while True:
            self._pending.wait()
            time.sleep(FLUSH_SECONDS)
            self._pending.clear()
            with contextlib.suppress(OSError):
                self.flush()


def line_of(record: logging.LogRecord) -> bytes:
    """Return the record as a JSON line, including the line break."""
    line: dict[str, Any] = {
        "ts": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
        "level": record.levelname.lower(),
        "event": without_values(record.getMessage()),
        "logger": record.name,
        **getattr(record, "fields", {}),
    }
    if record.exc_info:
        line["error"] = without_values(_traceback(record.exc_info))
    return _encode(line) + b"\n"


def without_values(text: str) -> str:
    """Remove the lines in which Postgres' messages and SQLAlchemy's quote values of rows and parameters."""
    if not any(word in text for word in ("DETAIL", "CONTEXT", "[parameters", "invalid input")):
        return text
    return _INPUT.sub(r"\1", _VALUES.sub("", text))


def log_to(stream: TextIO, level: int = logging.INFO) -> None:
    """Write all logs of this process to `stream`."""
    logging.basicConfig(level=level, handlers=[JsonLines(stream)], force=True)
    # The lines contain neither thread nor caller, so do not collect them for each record
    # (https://docs.python.org/3/howto/logging.html#optimization). Gunicorn's lines need logProcesses.
    logging.logThreads = logging.logMultiprocessing = False
    logging._srcfile = None
