"""Readiness checks: whether a process can do its work, with the reason if it cannot."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from contracts.chassis.draining import DRAINING
from contracts.chassis.single_flight import SingleFlight

TIMEOUT_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class Check:
    """One precondition. `missing` returns None if it holds, else one line with the problem and the remedy."""

    name: str
    missing: Callable[[], str | None]


class Readiness:
    """Runs checks for readiness probes, within a time limit. Concurrent probes share one execution of each check."""

    def __init__(self, checks: Sequence[Check], timeout: float = TIMEOUT_SECONDS) -> None:
        self._checks = {each.name: SingleFlight(each.missing, f"readiness of {each.name}") for each in checks}
        self._timeout = timeout

    def missing(self) -> dict[str, str]:
        """Return a line for each failed check, by its name; empty if the process is ready.

        Returns within `timeout` seconds. A check that has not finished by then has failed. A server that drains is not
        ready, whatever the checks say.
        """
        if DRAINING.is_set():
            return {"draining": "The process stops soon and takes no new work."}
        running = {name: check.submit() for name, check in self._checks.items()}
        deadline = time.monotonic() + self._timeout
        missing: dict[str, str] = {}
        for name, check in running.items():
            try:
                line = check.result(max(0.0, deadline - time.monotonic()))
            except TimeoutError:
                line = f"{name} has not answered within {self._timeout:g} s."
            except Exception as error:
                line = f"{name} cannot be checked: {type(error).__name__}."
            if line is not None:
                missing[name] = line
        return missing
