"""The size limits of a catalog. What lies in the past does not count."""

from contracts.scheduling.errors import InvalidRequest

MAX_OFFERINGS = 1_000
MAX_PROVIDERS = 1_000
MAX_RESOURCES = 1_000
MAX_SCHEDULES = 50
"""Dated weeks per provider."""
MAX_OVERRIDES = 400
"""Per provider, from today on."""
MAX_BLOCKS = 10_000
"""Blocks that have not ended."""


def require_capacity(count: int, limit: int, what: str, remedy: str, field: str | None = None) -> None:
    """Raise InvalidRequest when `count` has reached `limit`."""
    if count >= limit:
        raise InvalidRequest(f"There can be at most {limit} {what}; {remedy}.", field=field)
