"""A clock that a test sets."""


class Clock:
    """Returns `seconds`, which stays as it is until the test changes it."""

    def __init__(self) -> None:
        self.seconds = 1000.0

    def __call__(self) -> float:
        return self.seconds
