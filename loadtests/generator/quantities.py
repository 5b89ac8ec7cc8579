"""Durations and names in options: `800ms`, `1.5s`, `scheduling=800ms`."""

import re
from collections.abc import Sequence

from loadtests.generator.api_client import LoadError
from loadtests.generator.journeys import JOURNEYS, SESSIONS, module_of

_DURATION = re.compile(r"(?P<number>\d+(?:\.\d+)?)(?P<unit>ms|s)")


def parse_duration(text: str) -> float:
    """Return seconds. Raises LoadError."""
    found = _DURATION.fullmatch(text.strip())
    if found is None:
        raise LoadError(f"{text!r} is not a duration: write milliseconds or seconds, such as 800ms or 1.5s")
    return float(found["number"]) / (1000 if found["unit"] == "ms" else 1)


def known_names() -> dict[str, tuple[str, ...]]:
    """Return the names of modules, journeys and sessions, by kind."""
    modules = dict.fromkeys(module_of(name) for name in JOURNEYS)
    return {"modules": tuple(modules), "journeys": tuple(JOURNEYS), "sessions": tuple(SESSIONS)}


def require_name(name: str, context: str, kinds: Sequence[str] = ("modules", "journeys", "sessions")) -> None:
    """Raises LoadError, which begins with `context` and lists the names that exist."""
    known = {kind: names for kind, names in known_names().items() if kind in kinds}
    if not any(name in names for names in known.values()):
        listed = "; ".join(f"{kind}: {', '.join(names)}" for kind, names in known.items())
        raise LoadError(f"{context}: {name!r} is unknown ({listed})")
