"""One execution of a function, shared by concurrent callers."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Run a function that may hang in a worker thread; concurrent callers share its result.

    The thread starts with the first `submit` and is called `name`. Thread-safe.
    """

    def __init__(self, function: Callable[[], T], name: str) -> None:
        self._function = function
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = Lock()
        self._running: Future[T] | None = None

    def submit(self) -> Future[T]:
        """Return the execution under way, or start one. The caller decides how long it waits for the result."""
        with self._lock:
            if self._running is None or self._running.done():
                self._running = self._thread.submit(self._function)
            return self._running
