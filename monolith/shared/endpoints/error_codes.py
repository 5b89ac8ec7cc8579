"""The error codes of the JSON API: what each means, and the operations that can answer with it."""

from collections.abc import Iterable

from monolith.shared.endpoints.endpoint import Access, AnyEndpoint

MEANINGS: dict[str, str] = {
    "invalid_request": "A parameter or the body is malformed; `field` is the input at fault.",
    "unauthenticated": "No valid session or API token.",
    "wrong_credentials": "The e-mail address or the password is incorrect.",
    "forbidden": "The caller may not do this in this business.",
    "wrong_password": "The current password is incorrect.",
    "business_not_found": "There is no business with this short name.",
    "email_unconfirmed": "The own e-mail address has to be confirmed first.",
    "customer_not_found": "There is no such customer or guest of this business.",
    "password_required": "The link alone is not enough; send a password too.",
    "email_in_use": "Another account has confirmed the e-mail address.",
    "signed_in_as_another": "The link would set a new password; sign out first.",
    "last_owner": "A business needs an owner.",
    "too_many_tokens": "The business has 50 tokens already.",
    "too_many_feeds": "There are 100 calendar feeds of providers in the business, or 10 of the customer, already.",
    "too_many_imports": "The business has 50 imported calendars already.",
    "too_many_webhooks": "The business has 10 webhooks already.",
    "too_many_invitations": "The business has 50 open invitations already.",
    "not_found": "There is no such thing in this business, or the link is invalid.",
    "offering_not_found": "There is no such service.",
    "provider_not_found": "There is no such provider.",
    "appointment_not_found": "There is no such appointment, or it is another customer's.",
    "resource_not_found": "There is no such resource.",
    "block_not_found": "There is no such block.",
    "series_not_found": "There is no such series, or it is another customer's.",
    "waitlist_entry_not_found": "There is no such entry, or it is another customer's.",
    "slot_unavailable": "The start cannot be booked. `reason`: `past`, `too_soon` (minimum notice), `too_late` "
    "(booking window), `off_grid` (not a listed start), `closed` (holiday or override), `outside_hours`, `taken`, "
    "`full` (no seats left), `no_resource`, `provider_limit`, `customer_limit`, `not_offered` (inactive, or not "
    "performed by this provider). If a series is refused, `starts_at` is the occurrence.",
    "version_conflict": "The appointment has changed since it was read; `current_version` is its version now.",
    "invalid_transition": "The status of the appointment or entry does not allow this change.",
    "policy_refused": "The service's policy no longer allows customers this change; staff may make it. `reason`: "
    "`cutoff` or `reschedules`.",
    "hold_expired": "The hold was not confirmed in time.",
    "key_in_progress": "A request with the same key is being executed; repeat it in a moment.",
    "idempotency_key_reused": "The key was used for a different request; send a new one.",
    "slug_taken": "Another business has this short name.",
    "set_up_unfinished": "Business and account exist, but scheduling is not set up yet; this finishes by itself.",
    "business_closed": "The business takes no new bookings.",
    "customer_has_account": "Only the customers themselves change the name and e-mail address of an account.",
    "exceeds_amount_due": "The payment is more than the amount due.",
    "unsupported_media_type": "The body is not `application/json`.",
    "too_many_attempts": "Too many attempts; retry after `retry_after` seconds.",
    "unavailable": "Nothing was done; repeat the request after `retry_after` seconds.",
    "deadline_exceeded": "Nothing was done in time; repeat the request.",
    "outcome_unknown": "The write may have been done; repeat it with the same key to find out.",
}
"""What each code means, by code."""


def errors_of(endpoint: AnyEndpoint) -> dict[int, list[str]]:
    """Return the codes that an operation can answer with, by HTTP status, in ascending order."""
    by_status: dict[int, list[str]] = {}
    for status, code in sorted({*endpoint.errors, *_common(endpoint)}):
        by_status.setdefault(status, []).append(code)
    return by_status


def _common(endpoint: AnyEndpoint) -> Iterable[tuple[int, str]]:
    yield 503, "unavailable"
    if endpoint.body is not None or endpoint.query is not None or endpoint.needs_key:
        yield 400, "invalid_request"
    if endpoint.body is not None:
        yield 415, "unsupported_media_type"
    if endpoint.access is not Access.PUBLIC:
        yield 401, "unauthenticated"
        yield 403, "forbidden"
    if "{slug}" in endpoint.path:
        yield 404, "business_not_found"
    if endpoint.needs_key:
        yield 422, "idempotency_key_reused"
