"""Messages for refused bookings, and which refusals staff may override."""

from contracts.scheduling.errors import SlotUnavailable

MESSAGES = {
    "not_offered": "The provider does not offer this service.",
    "past": "This time has passed.",
    "too_soon": "This time is too soon; the service requires more notice.",
    "too_late": "This time is not open for booking.",
    "closed": "The business is closed, or the provider is off, at this time.",
    "outside_hours": "The provider does not work at this time.",
    "off_grid": "The service does not start at this time; search for the times at which it does.",
    "taken": "This time is already taken.",
    "full": "There are not enough seats left.",
    "no_resource": "The room or device that the service needs is not free at this time.",
    "provider_limit": "The provider has reached the limit for this service on that day or in that week.",
    "customer_limit": "The customer has reached the limit for this service on that day or in that week.",
}

OVERBOOKABLE = {
    "taken": "taken",
    "full": "full",
    "no_resource": "resources",
    "provider_limit": "limit",
    "customer_limit": "limit",
}
"""The reasons that `overbook` overrides, and the rule that the history names for each."""

OVERRIDABLE = {
    "too_soon": "notice",
    "too_late": "window",
    "closed": "hours",
    "outside_hours": "hours",
    "off_grid": "grid",
}
"""The reasons that `override` overrides, and the rule that the history names for each."""


def slot_unavailable(reason: str) -> SlotUnavailable:
    return SlotUnavailable(MESSAGES[reason], reason)


def overridden_rules(reasons: tuple[str, ...], *, overbook: bool, override: bool) -> tuple[str, ...]:
    """Return the rules that staff override. Raises SlotUnavailable for the first reason that may not be overridden."""
    allowed = (OVERBOOKABLE if overbook else {}) | (OVERRIDABLE if override else {})
    for reason in reasons:
        if reason not in allowed:
            raise slot_unavailable(reason)
    return tuple(dict.fromkeys(allowed[reason] for reason in reasons))
