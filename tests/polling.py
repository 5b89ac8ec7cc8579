"""Poll for a condition that becomes true shortly."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T | None], what: str = "it", seconds: float = 45.0) -> T:
    """Return the first truthy result of `look` (for a response: success).

    Raises AssertionError with the last result after `seconds`.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"{what} did not happen within {seconds:.0f} s; last result: {found!r}"
        time.sleep(0.1)
