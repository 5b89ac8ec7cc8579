"""Error messages in the language of a page.

The messages of errors are English. Texts of this product are in the catalogue; other messages, such as those of the
scheduling service, are replaced by what their code means.
"""

from typing import Final

from contracts.chassis.problem import Problem
from contracts.scheduling.errors import SchedulingError
from monolith.shared.endpoints import ApiError
from monolith.shared.localization import N_, SOURCE
from monolith.web.language import gettext, is_translated, language

_BY_REASON: Final = {
    ("slot_unavailable", "past"): N_("This time has passed."),
    ("slot_unavailable", "too_soon"): N_("This time is too soon to be booked."),
    ("slot_unavailable", "too_late"): N_("This time is too far ahead to be booked."),
    ("slot_unavailable", "off_grid"): N_("Appointments do not start at this time."),
    ("slot_unavailable", "closed"): N_("The business is closed at this time."),
    ("slot_unavailable", "outside_hours"): N_("The provider does not work at this time."),
    ("slot_unavailable", "taken"): N_("This time is already taken."),
    ("slot_unavailable", "full"): N_("There are not enough free seats at this time."),
    ("slot_unavailable", "no_resource"): N_("What this service needs is in use at this time."),
    ("slot_unavailable", "provider_limit"): N_(
        "The limit of appointments with this provider in this period is reached."
    ),
    ("slot_unavailable", "customer_limit"): N_("The limit of appointments per customer in this period is reached."),
    ("slot_unavailable", "not_offered"): N_("The provider does not offer this service."),
    ("policy_refused", "cutoff"): N_("It is too late to change this appointment; please contact the business."),
    ("policy_refused", "reschedules"): N_("This appointment cannot be moved again; please contact the business."),
}
_BY_CODE: Final = {
    "business_closed": N_("This business takes no new bookings."),
    "business_not_found": N_("There is no such business."),
    "body_too_large": N_("This is too large to be sent."),
    "cross_site": N_("This request came from another site and was refused."),
    "deadline_exceeded": N_("This took too long, and nothing was done. Please try again."),
    "exceeds_amount_due": N_("The payment is higher than the amount due."),
    "forbidden": N_("You are not allowed to do this."),
    "hold_expired": N_("This time is no longer held for you. Please choose a time again."),
    "idempotency_key_reused": N_("This form was submitted before with other values. Please load the page again."),
    "internal_error": N_("Something went wrong on our side. It has been logged; please try again later."),
    "invalid_request": N_("Please check what you entered."),
    "invalid_transition": N_("The appointment has ended or changed, so this is no longer possible."),
    "key_in_progress": N_("The same request is still being executed; try again in a moment."),
    "last_owner": N_("You are the only owner of a business. Make another member its owner, or close it, first."),
    "method_not_allowed": N_("The address or the form is incomplete or has an invalid value."),
    "not_found": N_("This does not exist, or no longer."),
    "outcome_unknown": N_("The reply took too long. Please check whether it was done before you try again."),
    "policy_refused": N_("The rules of the business do not allow this change; please contact the business."),
    "set_up_unfinished": N_("Your account exists, but the calendar is still being set up. Sign in in a moment."),
    "slot_unavailable": N_("This time is not available."),
    "slug_taken": N_("This short name is already taken. Please choose another one."),
    "too_many_attempts": N_("Too many attempts. Please wait a moment and try again."),
    "too_many_invitations": N_("There are too many open invitations. Revoke one first."),
    "too_many_tokens": N_("There are too many tokens. Revoke one that is no longer in use."),
    "too_many_webhooks": N_("There are too many webhooks. Delete one that is no longer in use."),
    "unauthenticated": N_("Please sign in."),
    "unavailable": N_("This is not possible at the moment, and nothing was done. Please try again shortly."),
    "version_conflict": N_("The appointment has changed; reload it and try again."),
}
_UNKNOWN: Final = N_("This was not possible. Please check what you entered, or try again later.")


def problem_message(problem: Problem) -> str:
    """Return the message of an error response."""
    return _shown(problem.message, problem.code, problem.members.get("reason"))


class PageError(ApiError):
    """An error whose message has placeholders, which are filled in after the translation."""

    def __init__(self, status: int, code: str, text: str, /, **values: object) -> None:
        super().__init__(status, code, text % values)
        self.text = text
        self.values = values


def error_message(error: ApiError | SchedulingError) -> str:
    """Return the message of an error, for the person who filled in a form."""
    if isinstance(error, PageError):
        return gettext(error.text, **error.values)
    return _shown(error.message, error.code, getattr(error, "reason", None))


def _shown(message: str, code: str, reason: object) -> str:
    if language() == SOURCE:
        return message
    if is_translated(message):
        return gettext(message)
    return gettext(_BY_REASON.get((code, str(reason))) or _BY_CODE.get(code, _UNKNOWN))
