"""How important a waiting request is, by its method and path alone.

The server asks before it reads the request (see `contracts/chassis/admission.py`), so a path may be nonsense here.
"""

import base64
import re
from typing import Final
from urllib.parse import unquote_plus
from uuid import UUID

from contracts.chassis.admission import UNKNOWN_TENANT, Priority, RequestClass
from contracts.scheduling.port import OPERATIONS

_API: Final = ["api", "v1"]
_SCHEDULING: Final = frozenset(operation.path.split("/")[2] for operation in OPERATIONS)
_SEARCHES: Final = frozenset({"slots", "overview", "visits", "move"})
_CATALOG: Final = frozenset({"offerings", "providers", "holidays"})
"""What anyone may list. One item, or the agenda of a provider, is not among them."""
_LINKS: Final = frozenset({"manage", "waiting"})
"""Pages that a signed link opens; its token begins with the business (`CustomerLinks`)."""
_token: Final = re.compile(r"(?:^|&)token=([^&]{1,100})")
"""As our links have it. With a token in another spelling, a request is one of an unknown business."""
_FEEDS: Final = frozenset({"calendar.ics", "free-busy.ifb"})
_SIGN_IN: Final = frozenset({("login",), ("logout",), ("sign-in",), ("sign-out",), ("sign-up",)})
"""What follows the business in the path, or the beginning of all paths of the API."""
_HASHING: Final = frozenset(
    {
        *[
            ("",),
            ("customers",),
            ("signup",),
            ("confirm-email",),
            ("password-resets", "use"),
            ("invitations", "accept"),
        ],
        *[("me", "password"), ("me", "email"), ("me", "delete"), ("reset-password",), ("invitation",)],
        *[("account", "password"), ("account", "email"), ("account", "delete")],
    }
)
"""What else checks or sets a password when it is sent with POST: few of these can be computed at once, and hashes would
use up a business's share of the processor."""
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
        return RequestClass(_apart(method, parts[2:]))
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
        # Their business cannot be seen, and one business can have many feeds.
        return RequestClass(Priority.SEARCH, UNKNOWN_TENANT, shared=True, wants_page=True)
    return RequestClass(_apart(method, parts), wants_page=True)


def _business_of_link(head: bytes) -> str:
    """Return the id of the business in the token of the query, which is not verified here; a forged one is refused
    later."""
    target = head.partition(b"\r\n")[0].decode("latin-1").rpartition(" ")[0]
    found = _token.search(target.partition("?")[2])
    try:
        return str(UUID(bytes=base64.urlsafe_b64decode(unquote_plus(found[1])[:24])[:16])) if found else UNKNOWN_TENANT
    except ValueError:
        return UNKNOWN_TENANT


def _of_business(method: str, slug: str, rest: list[str], shared: bool, *, wants_page: bool) -> RequestClass:
    return RequestClass(_priority(method, rest, shared), slug, shared=shared, wants_page=wants_page)


def _apart(method: str, rest: list[str]) -> Priority:
    """Return the priority of a request that does not use scheduling."""
    path = tuple(rest)
    is_sign_in = path in _SIGN_IN or (method == "POST" and path in _HASHING)
    return Priority.SIGN_IN if is_sign_in else Priority.OTHER


def _priority(method: str, rest: list[str], shared: bool) -> Priority:
    if not shared:
        return _apart(method, rest)
    if method == "GET":
        is_search = not _SEARCHES.isdisjoint(rest) or (len(rest) == 1 and rest[0] in _CATALOG)
        return Priority.SEARCH if is_search else Priority.OTHER
    if method == "POST" and len(rest) > 1 and rest[-1] in ("confirm", "cancel", "leave"):
        return Priority.CONFIRM
    return Priority.BOOK if method == "POST" else Priority.OTHER
