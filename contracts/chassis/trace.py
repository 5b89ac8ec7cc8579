"""W3C trace context (https://www.w3.org/TR/trace-context/) and request ids."""

import random
import re
from typing import Final

from msgspec import Struct

TRACEPARENT: Final = "traceparent"
REQUEST_ID: Final = "X-Request-Id"

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


class Trace(Struct, frozen=True):
    """The trace that a request belongs to, and the request id that appears in logs."""

    trace_id: str
    parent_id: str
    request_id: str
    sampled: bool = False

    def header(self) -> str:
        """Return the `traceparent` header for calls made under this trace."""
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"


def new_trace(traceparent: str | None = None, request_id: str | None = None) -> Trace:
    """Continue the caller's trace with a new span, or start a trace if `traceparent` is missing or malformed.

    A request id is kept if it consists of 1 to 64 letters, digits, dots, hyphens and underscores, else replaced.
    """
    span = _random_hex(64)
    if request_id is not None and not _REQUEST_ID.fullmatch(request_id):
        request_id = None
    parsed = parse_traceparent(traceparent)
    if parsed is None:
        return Trace(_random_hex(128), span, request_id or span)
    trace_id, _, sampled = parsed
    return Trace(trace_id, span, request_id or span, sampled)


def parse_traceparent(traceparent: str | None) -> tuple[str, str, bool] | None:
    """Return trace id, span id and whether the caller records the trace; None if missing or malformed."""
    match = _TRACEPARENT.fullmatch(traceparent or "")
    return None if match is None else (match[1], match[2], bool(int(match[3], 16) & 1))


def _random_hex(bits: int) -> str:
    """Return a random id. Ids must be unique, not secret, and reading the kernel's generator costs system calls.

    Python reseeds its generator in every forked process.
    """
    return f"{random.getrandbits(bits) | 1:0{bits // 4}x}"
