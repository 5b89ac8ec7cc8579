"""Why a booking is refused, in words; and which refusals staff may set aside."""

from contracts.scheduling.errors import SlotUnavailable

MESSAGES = {
    "not_offered": "The provider does not offer this service.",
    "past": "This time has passed.",
    "too_soon": "This time is too soon; the service asks for more notice.",
    "too_late": "This time is not open for booking.",
    "closed": "The business is closed, or the provider away, at this time.",
    "outside_hours": "The provider does not work at this time.",
    "off_grid": "The service does not start at this time; search lists the times that it does.",
    "taken": "This time is already taken.",
    "full": "There are not enough seats left.",
    "no_resource": "The room or device that the service needs is not free at this time.",
    "provider_limit": "The provider has no more of these on that day or in that week.",
    "customer_limit": "The customer may have no more of these on that day or in that week.",
}

OVERBOOKABLE = {
    "taken": "taken",
    "full": "full",
    "no_resource": "resources",
    "provider_limit": "limit",
    "customer_limit": "limit",
}
"""What `overbook` sets aside, and how the history names it."""

OVERRIDABLE = {
    "too_soon": "notice",
    "too_late": "window",
    "closed": "hours",
    "outside_hours": "hours",
    "off_grid": "grid",
}
"""The same for `override`."""


def slot_unavailable(reason: str) -> SlotUnavailable:
    return SlotUnavailable(MESSAGES[reason], reason)


def overridden_rules(reasons: tuple[str, ...], *, overbook: bool, override: bool) -> tuple[str, ...]:
    """The names of the rules that staff set aside. Raises SlotUnavailable for the first that stands."""
    may = (OVERBOOKABLE if overbook else {}) | (OVERRIDABLE if override else {})
    for reason in reasons:
        if reason not in may:
            raise slot_unavailable(reason)
    return tuple(dict.fromkeys(may[reason] for reason in reasons))
