"""Reading forms, and answering them."""

from collections.abc import Mapping
from datetime import datetime

from flask import make_response, redirect, request
from werkzeug import Response

from monolith.modules.auth.cookie import Cookies
from monolith.modules.auth.sessions import NewSession
from monolith.shared.endpoints import ApiError
from monolith.shared.endpoints.errors import invalid_request

Page = str | Response | tuple[str, int]

_SECRETS = frozenset({"password", "new_password", "current_password"})
_FIELD_MESSAGES = {
    "business_name": "Please enter a business name of at most 80 characters.",
    "slug": "The short name must be 3 to 40 lowercase letters, digits and hyphens.",
    "zone": "Please choose a time zone from the list, for example Europe/Paris.",
    "currency": "Please enter a three-letter currency code, for example EUR.",
    "name": "Please enter a name of at most 80 characters.",
    "email": "Please enter a valid e-mail address.",
    "password": "The password must have at least 10 characters.",
    "new_password": "The new password must have at least 10 characters.",
    "current_password": "Please enter your current password.",
}


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
        raise invalid_request("Please choose a time.", name)
    return at


def form_fields(*names: str) -> dict[str, str]:
    """Return the form fields, stripped of surrounding spaces, except passwords."""
    fields = {name: request.form.get(name, "") for name in names}
    return {name: text if name in _SECRETS else text.strip() for name, text in fields.items()}


def user_message(error: ApiError) -> str:
    """Return the message of an error for the person who filled in the form."""
    if error.code != "invalid_request":
        return error.message
    return _FIELD_MESSAGES.get(str(error.field), "Please check what you entered.")


def signed_in(cookies: Cookies, session: NewSession, after: str) -> Response:
    """Redirect to `after` with the cookies of a new session."""
    response = make_response(redirect(after, 303))
    for header in cookies.signed_in(session):
        response.headers.add(*header)
    return response
