"""Logs as one JSON object a line. JSON escapes text from outside, so that no value can begin a line of its own."""

import logging
import os
from datetime import UTC, datetime
from typing import Any, TextIO

import msgspec

_encode = msgspec.json.Encoder(enc_hook=str).encode
_traceback = logging.Formatter().formatException


class JsonLines(logging.Handler):
    """A record's `fields` (given as `extra={"fields": {...}}`) stand beside its time, level and event.

    Every request writes a line, so each is one write to the file's descriptor, with no buffer to guard or to flush.
    """

    def __init__(self, stream: TextIO) -> None:
        super().__init__()
        self._descriptor = stream.fileno()

    def handle(self, record: logging.LogRecord) -> bool:
        """Without the lock that `logging` holds around a handler: there is no state to guard."""
        self.emit(record)
        return True

    def emit(self, record: logging.LogRecord) -> None:
        try:
            os.write(self._descriptor, line_of(record))
        except OSError:
            self.handleError(record)


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
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None
