"""Errors that a handler raises on purpose."""


class ApiError(Exception):
    """Answered as problem details (RFC 9457), or as a page where a page was asked for.

    `code` is stable: clients branch on it. `message` is written for the person who reads it. `field` names the input
    at fault; `retry_after`, in seconds, becomes a Retry-After header.
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


def forbidden(message: str = "You are not allowed to do this in this business.") -> ApiError:
    return ApiError(403, "forbidden", message)


def business_not_found(slug: str) -> ApiError:
    return ApiError(404, "business_not_found", f"There is no business `{slug[:40]}`.")


def invalid_request(message: str, field: str | None = None) -> ApiError:
    return ApiError(400, "invalid_request", message, field=field)


def not_found(what: str) -> ApiError:
    """`what` names the kind of thing, never whether it exists elsewhere."""
    return ApiError(404, "not_found", f"There is no such {what}.")


def invalid_cursor() -> ApiError:
    message = "The cursor is invalid: use the `next_cursor` of a previous page."
    return ApiError(400, "invalid_request", message, field="cursor")
