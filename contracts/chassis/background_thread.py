"""Background loops in a process that serves requests."""

import atexit
import threading

from contracts.chassis.loops import Worker, run


class BackgroundThread:
    """Run a worker's loops in a web process.

    It may be created before a fork: the threads start with the first `start`. It ends with the process, within
    `closing_seconds`, or when it is closed.
    """

    def __init__(self, name: str, worker: Worker, *, closing_seconds: float) -> None:
        self._name = name
        self._worker = worker
        self._closing_seconds = closing_seconds
        self._stop = threading.Event()
        self._starting = threading.Lock()
        self._running: threading.Thread | None = None

    def start(self) -> None:
        """Start the loops unless they are running; cheap enough to call on every request.

        Raises RuntimeError if the system cannot start another thread.
        """
        if self._running is None:
            self._start_once()

    def close(self) -> None:
        """Stop the loops and wait until they have ended."""
        atexit.unregister(self.close)
        self._stop.set()
        if self._running is not None:
            self._running.join(self._closing_seconds)

    def _start_once(self) -> None:
        with self._starting:
            if self._running is not None:
                return
            running = threading.Thread(target=run, args=(self._worker, self._stop), name=self._name, daemon=True)
            running.start()
            self._running = running
            atexit.register(self.close)
