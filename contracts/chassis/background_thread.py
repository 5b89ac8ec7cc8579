"""Background work of a process that serves requests."""

import atexit
import threading

from contracts.chassis.loops import Worker, run


class Companion:
    """A worker whose threads start with the first `start`, so that it may be made before a fork, and nothing runs where
    nothing is to be done. It ends with the process, within `closing_seconds`, or when it is closed."""

    def __init__(self, name: str, worker: Worker, *, closing_seconds: float) -> None:
        self._name = name
        self._worker = worker
        self._closing_seconds = closing_seconds
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._running: threading.Thread | None = None

    def start(self) -> None:
        """Costs next to nothing when it runs already. Raises RuntimeError when the system gives no more threads."""
        if self._running is None:
            self._begin()

    def close(self) -> None:
        """Let it end, and wait for that."""
        atexit.unregister(self.close)
        self._stop.set()
        if self._running is not None:
            self._running.join(self._closing_seconds)

    def _begin(self) -> None:
        with self._starting:
            if self._running is not None:
                return
            running = threading.Thread(target=run, args=(self._worker, self._stop), name=self._name, daemon=True)
            running.start()
            self._running = running
            atexit.register(self.close)
