"""Reading forms, and answering them."""

from collections.abc import Mapping
from datetime import datetime

from flask import make_response, redirect, request
from werkzeug import Response

from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.sessions import NewSession
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import invalid_request
from monolith.shared.localization import N_
from monolith.web.language import gettext
from monolith.web.problem_messages import error_message

Page = str | Response | tuple[str, int]

_SECRETS = frozenset({"password", "new_password", "current_password"})
_FIELD_MESSAGES = {
    "business_name": N_("Please enter a business name of at most 80 characters."),
    "slug": N_("The short name must be 3 to 40 lowercase letters, digits and hyphens."),
    "zone": N_("Please choose a time zone from the list, for example Europe/Paris."),
    "currency": N_("Please enter a three-letter currency code, for example EUR."),
    "name": N_("Please enter a name of at most 80 characters."),
    "email": N_("Please enter a valid e-mail address."),
    "password": N_("The password must have at least 10 characters."),
    "new_password": N_("The new password must have at least 10 characters."),
    "current_password": N_("Please enter your current password."),
}
_CHECK = N_("Please check what you entered.")


def instant_in(values: Mapping[str, str], name: str = "at") -> datetime | None:
    """Return a time with an offset; None if it is missing, malformed or not representable in every time zone."""
    try:
        at = datetime.fromisoformat(values.get(name, ""))
    except ValueError:
        return None
    return at if at.tzinfo is not None and 1970 <= at.year < 9999 else None


def require_instant_in(values: Mapping[str, str], name: str = "at") -> datetime:
    """Return a time as `instant_in` does. Raises ApiError 400 without one."""
    at = instant_in(values, name)
    if at is None:
        raise invalid_request(N_("Please choose a time."), name)
    return at


def form_fields(*names: str) -> dict[str, str]:
    """Return the form fields, stripped of surrounding spaces, except passwords."""
    fields = {name: request.form.get(name, "") for name in names}
    return {name: text if name in _SECRETS else text.strip() for name, text in fields.items()}


def user_message(error: ApiError) -> str:
    """Return the message of an error for the person who filled in the form."""
    if error.code != "invalid_request":
        return error_message(error)
    return gettext(_FIELD_MESSAGES.get(str(error.field), _CHECK))


def signed_in(cookies: Cookies, session: NewSession, after: str) -> Response:
    """Redirect to `after` with the cookies of a new session."""
    response = make_response(redirect(after, 303))
    for header in cookies.signed_in(session):
        response.headers.add(*header)
    return response
