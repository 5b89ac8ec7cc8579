"""Errors that handlers raise."""

from uuid import UUID

from monolith.shared.endpoints.identity import BusinessRef, Principal
from monolith.shared.localization import N_


class ApiError(Exception):
    """An error response: problem details (RFC 9457) for the API, an error page for pages.

    `code` is stable: clients branch on it. `message` is for end users. `field` is the input at fault; `retry_after`, in
    seconds, becomes a Retry-After header.
    """

    def __init__(
        self, status: int, code: str, message: str, *, field: str | None = None, retry_after: float | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.field = field
        self.retry_after = retry_after


def unauthenticated() -> ApiError:
    return ApiError(401, "unauthenticated", "Please sign in, or send a valid API token.")


def forbidden(message: str = N_("You are not allowed to do this in this business.")) -> ApiError:
    return ApiError(403, "forbidden", message)


def email_unconfirmed() -> ApiError:
    message = N_("Confirm your e-mail address first: open the link in the mail that we have sent you.")
    return ApiError(403, "email_unconfirmed", message)


def business_not_found(slug: str) -> ApiError:
    return ApiError(404, "business_not_found", f'There is no business "{slug[:40]}".')


def invalid_request(message: str, field: str | None = None) -> ApiError:
    return ApiError(400, "invalid_request", message, field=field)


def require_not_closed(business: BusinessRef) -> None:
    """Raise ApiError 409 if the business takes no new bookings."""
    if business.is_closed:
        raise ApiError(409, "business_closed", f"{business.name} takes no new bookings.")


def require_session(principal: Principal) -> UUID:
    """Return the id of the caller's session.

    Raises ApiError 403 for an API token: call this where the effect would outlive its revocation.
    """
    if principal.session_id is None:
        raise forbidden("This requires a signed-in user; API tokens are not allowed.")
    return principal.session_id


def not_found(what: str) -> ApiError:
    """Return the error for an unknown `what`, the kind of resource."""
    return ApiError(404, "not_found", f"There is no such {what}.")


def invalid_cursor() -> ApiError:
    return invalid_request("The cursor is invalid: use the `next_cursor` of a previous page.", "cursor")
