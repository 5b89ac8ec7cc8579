"""How important a waiting call is, by its method, its path and the claims of its token.

The server asks before it reads the request, and the token is not verified yet: a forged one only moves a request to
another place in the queue, and is refused later.
"""

import base64
import re
from functools import lru_cache
from typing import Final

import msgspec

from contracts.chassis.admission import Priority, RequestClass
from contracts.chassis.http_constants import PRIORITY, SHADOW_PRIORITY

_OPERATING: Final = frozenset({"/healthz", "/readyz", "/metrics"})
_SEARCHES: Final = ("/v1/slots", "/v1/overview", "/v1/visits/slots")
_claims = re.compile(rb"\nauthorization:[ \t]*bearer [A-Za-z0-9_-]{1,400}\.([A-Za-z0-9_-]{1,2000})\.", re.IGNORECASE)
_shadow = re.compile(rf"\n{PRIORITY}:[ \t]*{SHADOW_PRIORITY}[ \t]*\r".encode(), re.IGNORECASE)


def classify(method: str, path: str, head: bytes) -> RequestClass:
    """Return the class of a call."""
    if path in _OPERATING:
        return RequestClass(Priority.HEALTH)
    found = _claims.search(head)
    tenant = "" if found is None else _business_in(found[1])
    if _shadow.search(head):
        return RequestClass(Priority.SHADOW, tenant)
    return RequestClass(_priority(method, path), tenant)


def _priority(method: str, path: str) -> Priority:
    if method in ("GET", "HEAD"):
        return Priority.SEARCH if path.startswith(_SEARCHES) else Priority.OTHER
    if path.endswith(("/confirm", "/cancel", "/leave")):
        return Priority.CONFIRM
    return Priority.BOOK if method == "POST" else Priority.OTHER


class _Claims(msgspec.Struct):
    biz: str


@lru_cache(maxsize=4096)
def _business_in(payload: bytes) -> str:
    """Return the business in a token's payload; an empty string if it cannot be read."""
    try:
        decoded = base64.urlsafe_b64decode(payload + b"=" * (-len(payload) % 4))
        return msgspec.json.decode(decoded, type=_Claims).biz[:40]
    except ValueError:
        return ""
