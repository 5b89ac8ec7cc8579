"""Settings that a web application provides for its server, such as gunicorn with the worker of `deploy/gunicorn`."""

from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from typing import Any

from contracts.chassis.admission import Priority, RequestClass
from contracts.chassis.readiness import Readiness

_EXTENSION = "extraction.served"


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedApplication:
    """`classify` gets the method, the path and the bytes of the header block, none of them validated."""

    classify: Callable[[str, str, bytes], RequestClass]
    readiness: Readiness
    on_refused: Callable[[Priority], None]
    """Called for each request that admission refuses."""

    def attach(self, extensions: MutableMapping[str, Any]) -> None:
        """Add it to the extensions of a Flask application."""
        extensions[_EXTENSION] = self


def served_application(application: object) -> ServedApplication | None:
    """Return what the application tells its server; None for any other application."""
    found = getattr(application, "extensions", {}).get(_EXTENSION)
    return found if isinstance(found, ServedApplication) else None
