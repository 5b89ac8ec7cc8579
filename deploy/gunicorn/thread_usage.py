"""What a thread has used of a processor, and how long it has waited for one."""

import os
import threading
import time
from typing import NamedTuple

_THREAD = "/proc/thread-self/schedstat"
"""Three numbers: nanoseconds on a processor, nanoseconds in the run queue, and how often it has run. The first is not
current while the thread runs, so it is not used."""


class ThreadUsage(NamedTuple):
    """Seconds on a processor, and seconds for which the thread could have run and did not; the latter 0 if the system
    does not count them."""

    processor: float
    waited: float


class _LastUsage(threading.local):
    file: int | None = None
    usage = ThreadUsage(0.0, 0.0)


_last = _LastUsage()


def usage_since_last_call() -> ThreadUsage:
    """Return the usage of this thread since it called this for the last time, or since it started."""
    before, now = _last.usage, ThreadUsage(time.thread_time(), _seconds_in_run_queue())
    _last.usage = now
    return ThreadUsage(now.processor - before.processor, now.waited - before.waited)


def _seconds_in_run_queue() -> float:
    file = _last.file
    if file is None:
        file = _last.file = _open()
    return int(os.pread(file, 100, 0).split()[1]) / 1e9 if file >= 0 else 0.0


def _open() -> int:
    try:
        return os.open(_THREAD, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
