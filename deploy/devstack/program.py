"""A Python program of this repository that runs as a child process."""

import functools
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from deploy.devstack.child import Child
from deploy.devstack.environment import inherited
from deploy.gunicorn.probe import answers

ROOT = Path(__file__).resolve().parents[2]


class Program(Child):
    """`python ARGUMENTS` with exactly the given settings. ``is_ready`` returns whether it serves."""

    def __init__(
        self,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        log: Path,
        is_ready: Callable[[], bool] = lambda: True,
    ) -> None:
        super().__init__(name, log)
        self._arguments = arguments
        self._settings = environment
        self._ready = is_ready

    def _command(self) -> Sequence[str]:
        return [sys.executable, *self._arguments]

    def _environment(self) -> Mapping[str, str]:
        return {**inherited(), "PYTHONUNBUFFERED": "1", **self._settings}

    def _is_ready(self) -> bool:
        return self._ready()


def http_check(port: int, path: str) -> Callable[[], bool]:
    """Return a check that a GET request receives status 200."""
    return functools.partial(answers, port, path, seconds=5.0)
