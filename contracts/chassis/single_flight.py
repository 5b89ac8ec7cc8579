"""Questions whose answer may never come, asked so that nobody has to wait for it longer than they want."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock
from typing import Generic, TypeVar

T = TypeVar("T")


class Question(Generic[T]):
    """Asked in a thread of its own, which `name` names and which begins with the first asking."""

    def __init__(self, question: Callable[[], T], name: str) -> None:
        self._question = question
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix=name)
        self._lock = Lock()
        self._asked: Future[T] | None = None

    def ask(self) -> Future[T]:
        """The answer that will come. However many ask, the question is asked once at a time: they share its answer."""
        with self._lock:
            if self._asked is None or self._asked.done():
                self._asked = self._thread.submit(self._question)
            return self._asked
