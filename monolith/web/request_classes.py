"""How important a waiting request is, by its method and path alone.

The server asks before it reads the request (see `contracts/chassis/admission.py`), so a path may be nonsense here.
"""

import base64
from typing import Final
from urllib.parse import parse_qsl
from uuid import UUID

from contracts.chassis.admission import Priority, RequestClass
from contracts.scheduling.port import OPERATIONS

_API: Final = ["api", "v1"]
_SCHEDULING: Final = frozenset(operation.path.split("/")[2] for operation in OPERATIONS)
_SEARCHES: Final = frozenset({"slots", "overview", "visits", "move"})
_CATALOG: Final = frozenset({"offerings", "providers", "holidays"})
"""What anyone may list. One item, or the agenda of a provider, is not among them."""
_LINKS: Final = frozenset({"manage", "waiting"})
"""Pages that a signed link opens; its token begins with the business (`CustomerLinks`)."""
_MOST_PARAMETERS: Final = 50
_FEEDS: Final = frozenset({"calendar.ics", "free-busy.ifb"})
_SIGN_IN: Final = frozenset({"login", "logout", "sign-in", "sign-out", "sign-up"})
_SIGN_UP: Final = ["customers"]
"""A new account. Like a sign-in, it hashes a password, which would use up a business's share of the processor."""
_OPERATING: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_NOT_SCHEDULING_PAGES: Final = frozenset({"sign-in", "sign-up", "invoices", "e-mails"})


def classify(method: str, path: str, head: bytes) -> RequestClass:
    """Return the class of a request of the JSON API or of a page."""
    if path in _OPERATING:
        return RequestClass(Priority.HEALTH)
    method = "GET" if method == "HEAD" else method
    parts = path.strip("/").split("/")
    if parts[:2] == _API:
        if len(parts) > 4 and parts[2] == "businesses":
            return _of_business(method, parts[3], parts[4:], parts[4] in _SCHEDULING, wants_page=False)
        return RequestClass(Priority.SIGN_IN if parts[-1] in _SIGN_IN else Priority.OTHER)
    return _page(method, parts, head)


def _page(method: str, parts: list[str], head: bytes) -> RequestClass:
    if len(parts) > 1 and parts[0] == "b":
        shared = parts[-1] not in _NOT_SCHEDULING_PAGES
        return _of_business(method, parts[1], parts[2:] or ["slots"], shared, wants_page=True)
    if len(parts) > 1 and parts[0] == "office":
        priority = Priority.BOOK if method == "POST" else Priority.OTHER
        return RequestClass(priority, parts[1], shared=True, wants_page=True)
    if parts[0] in _LINKS:
        priority = Priority.SEARCH if method == "GET" else Priority.CONFIRM
        return RequestClass(priority, _business_of_link(head), shared=True, wants_page=True)
    if parts[0] in _FEEDS:
        return RequestClass(Priority.SEARCH, _secret(head), shared=True, wants_page=True)
    return RequestClass(Priority.SIGN_IN if parts[-1] in _SIGN_IN else Priority.OTHER, wants_page=True)


def _business_of_link(head: bytes) -> str:
    """Return the id of the business in the token of the query, which is not verified here; a forged one is refused
    later. An empty string without a token."""
    try:
        return str(UUID(bytes=base64.urlsafe_b64decode(_secret(head)[:24])[:16]))
    except ValueError:
        return ""


def _secret(head: bytes) -> str:
    """Return the beginning of the token of the query, or an empty string."""
    target = head.partition(b"\r\n")[0].decode("latin-1").rpartition(" ")[0]
    try:
        query = dict(reversed(parse_qsl(target.partition("?")[2], max_num_fields=_MOST_PARAMETERS)))
    except ValueError:
        return ""
    return query.get("token", "")[:64]


def _of_business(method: str, slug: str, rest: list[str], shared: bool, *, wants_page: bool) -> RequestClass:
    return RequestClass(_priority(method, rest, shared), slug, shared=shared, wants_page=wants_page)


def _priority(method: str, rest: list[str], shared: bool) -> Priority:
    if rest[-1] in _SIGN_IN or (method == "POST" and rest == _SIGN_UP):
        return Priority.SIGN_IN
    if not shared:
        return Priority.OTHER
    if method == "GET":
        is_search = not _SEARCHES.isdisjoint(rest) or (len(rest) == 1 and rest[0] in _CATALOG)
        return Priority.SEARCH if is_search else Priority.OTHER
    if method == "POST" and len(rest) > 1 and rest[-1] in ("confirm", "cancel", "leave"):
        return Priority.CONFIRM
    return Priority.BOOK if method == "POST" else Priority.OTHER
