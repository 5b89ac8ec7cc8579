"""Whether a call could be served now, asked so that a silent database cannot hold up the answer."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

from contracts.scheduling.errors import SchedulingError

PATIENCE = 1.0


class Readiness:
    """Asks one ping at a time, however many probes come: they share its answer."""

    def __init__(self, ping: Callable[[], None], patience: float = PATIENCE) -> None:
        self._ping = ping
        self._patience = patience
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="readiness")
        self._lock = Lock()
        self._asked: Future[None] | None = None

    def missing(self) -> str | None:
        """One line that names what is missing; None when nothing is. Answers within `patience` seconds."""
        try:
            self._ask().result(self._patience)
        except SchedulingError as error:
            return error.message
        except TimeoutError:
            return f"Scheduling's database has not answered within {self._patience:g} s."
        except Exception as error:
            return f"Scheduling's database cannot be asked: {type(error).__name__}."
        return None

    def _ask(self) -> Future[None]:
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(self._ping)
            return self._asked
