"""Whether a call could be served now, asked so that a silent database cannot hold up the answer."""

from collections.abc import Callable

from contracts.chassis.single_flight import SingleFlight
from contracts.scheduling.errors import SchedulingError

PATIENCE = 1.0


class Readiness:
    """Asks one ping at a time, however many probes come: they share its answer."""

    def __init__(self, ping: Callable[[], None], patience: float = PATIENCE) -> None:
        self._ping = SingleFlight(ping, "readiness")
        self._patience = patience

    def missing(self) -> str | None:
        """One line that names what is missing; None when nothing is. Answers within `patience` seconds."""
        try:
            self._ping.submit().result(self._patience)
        except SchedulingError as error:
            return error.message
        except TimeoutError:
            return f"Scheduling's database has not answered within {self._patience:g} s."
        except Exception as error:
            return f"Scheduling's database cannot be asked: {type(error).__name__}."
        return None
