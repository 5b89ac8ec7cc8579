"""Names of rules, fields and events, for the pages of the back office."""

import re
from typing import Final

from monolith.shared.localization import N_
from monolith.web.language import gettext

_RULES: Final = {
    "taken": N_("taken time"),
    "full": N_("full seats"),
    "resources": N_("resources in use"),
    "limit": N_("limit"),
    "notice": N_("minimum notice"),
    "window": N_("how far ahead"),
    "hours": N_("working hours"),
    "grid": N_("start times"),
}
_FIELDS: Final = {
    "address": N_("Address"),
    "amount_minor": N_("Amount"),
    "buffer_after_minutes": N_("Buffer after"),
    "buffer_before_minutes": N_("Buffer before"),
    "cancel_cutoff_minutes": N_("Cancel free of charge until"),
    "capacity": N_("Seats"),
    "count": N_("Times"),
    "date": N_("Date"),
    "description": N_("Description"),
    "duration_minutes": N_("Duration"),
    "email": N_("E-mail"),
    "embedding_sites": N_("Sites that embed your booking page"),
    "hold_minutes": N_("Hold during checkout"),
    "kind": N_("Kind"),
    "late_fee_percent": N_("Late fee"),
    "max_reschedules": N_("Reschedules at most"),
    "min_notice_minutes": N_("Minimum notice"),
    "name": N_("Name"),
    "note": N_("Note"),
    "offering_id": N_("Service"),
    "offset_minutes": N_("First start after opening"),
    "phone": N_("Telephone"),
    "price": N_("Price"),
    "provider_id": N_("Provider"),
    "reason": N_("Reason"),
    "reschedule_cutoff_minutes": N_("Reschedule until"),
    "seats": N_("Seats"),
    "starts_at": N_("Time"),
    "step_minutes": N_("Start times every"),
    "url": N_("Address"),
    "weight": N_("Weight"),
    "zone": N_("Time zone"),
}
_LIMITS: Final = (
    (re.compile(r"Expected `(?:int|float)` >= ([\d.]+)"), N_("“%(field)s” must be at least %(limit)s.")),
    (re.compile(r"Expected `(?:int|float)` <= ([\d.]+)"), N_("“%(field)s” must be at most %(limit)s.")),
    (re.compile(r"Expected `str` of length >= (\d+)"), N_("“%(field)s” must not be empty.")),
    (re.compile(r"Expected `str` of length <= (\d+)"), N_("“%(field)s” may have at most %(limit)s characters.")),
    (re.compile(r"Expected `int`, got `(str)`"), N_("“%(field)s” must be a whole number.")),
)
"""Messages of the decoder for programs, and what they mean to a person."""
EVENT_LABELS: Final = {
    "appointment.booked": N_("Booked"),
    "appointment.cancelled": N_("Cancelled"),
    "appointment.completed": N_("Completed"),
    "appointment.declined": N_("Declined"),
    "appointment.held": N_("Held"),
    "appointment.expired": N_("Expired"),
    "appointment.no_show": N_("No-show"),
    "appointment.requested": N_("Requested"),
    "appointment.rescheduled": N_("Rescheduled"),
    "webhook.test": N_("Test"),
}
"""The names of the events that webhooks post."""


def rule_name(rule: str) -> str:
    """Return the name of a rule that staff have set aside."""
    return gettext(_RULES[rule]) if rule in _RULES else rule


def event_name(event_type: str) -> str:
    """Return the name of an event that a webhook posts."""
    return gettext(EVENT_LABELS[event_type]) if event_type in EVENT_LABELS else event_type


def field_name(field: str) -> str | None:
    """Return the label of the input that an error names; None if it has no label of its own."""
    return gettext(_FIELDS[field]) if field in _FIELDS else None


def limit_message(message: str, label: str) -> str | None:
    """Return what is wrong with the input that has this label; None if the message is about something else."""
    for pattern, text in _LIMITS:
        if found := pattern.match(message):
            return gettext(text, field=label, limit=found[1])
    return None
