"""Waiting for what happens a moment later."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], what: str = "it", seconds: float = 45.0) -> T:
    """The first true answer (of HTTP, that is no error); an assertion error with the last when none came in time."""
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not come true in {seconds:.0f} s; last: {found!r}"
        time.sleep(0.1)
