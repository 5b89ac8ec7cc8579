"""How long a thread has waited for a processor, as Linux counts it."""

import os
import threading

_THREAD = "/proc/thread-self/schedstat"
"""Three numbers: nanoseconds on a processor, nanoseconds in the run queue, and how often it has run."""
_local = threading.local()


def seconds_in_run_queue() -> float:
    """Return the time for which this thread could have run and did not since it started; 0 if the system keeps none."""
    file: int | None = getattr(_local, "file", None)
    if file is None:
        file = _local.file = _open()
    return int(os.pread(file, 100, 0).split()[1]) / 1e9 if file >= 0 else 0.0


def _open() -> int:
    try:
        return os.open(_THREAD, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return -1
