"""How much of everything a business may have. What is over does not count."""

from contracts.scheduling.errors import InvalidRequest

MOST_OFFERINGS = 1_000
MOST_PROVIDERS = 1_000
MOST_RESOURCES = 1_000
MOST_SCHEDULES = 50
"""Of one provider."""
MOST_OVERRIDES = 400
"""Of one provider, from today on."""
MOST_BLOCKS = 10_000
"""That are not over."""


def require_room(found: int, most: int, what: str, remedy: str, field: str | None = None) -> None:
    """Raise InvalidRequest when there are `most` already."""
    if found >= most:
        raise InvalidRequest(f"There can be at most {most} {what}; {remedy}.", field=field)
