"""The state of a server that will stop soon: it still answers, but its readiness probes report that it is not ready."""

import mmap


class DrainFlag:
    """A flag that a server's master process sets, and that all of its worker processes see. It is never cleared."""

    def __init__(self) -> None:
        self._shared: mmap.mmap | None = None

    def share(self) -> None:
        """Share the flag with the processes that are forked from now on."""
        self._shared = mmap.mmap(-1, 1)

    def set(self) -> None:
        """Begin to drain. Without an earlier `share`, only this process sees it."""
        if self._shared is None:
            self.share()
        assert self._shared is not None
        self._shared[0] = 1

    def is_set(self) -> bool:
        """Return whether the server drains."""
        return self._shared is not None and self._shared[0] == 1


DRAINING = DrainFlag()
"""The flag of this process's server."""
