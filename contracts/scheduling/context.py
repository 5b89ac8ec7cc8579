"""What accompanies every call: who asks, for which business, until when, under which key and trace."""

import random
import re
import time
from typing import Literal, Self
from uuid import UUID

from msgspec import Struct

ActorKind = Literal["anonymous", "customer", "staff", "system"]


class Actor(Struct, frozen=True):
    """Who asks. `anonymous` may look at what is public; its id is the nil UUID."""

    kind: ActorKind
    id: UUID


ANONYMOUS = Actor("anonymous", UUID(int=0))
SYSTEM = Actor("system", UUID(int=1))


class Deadline:
    """A moment on this process's monotonic clock. It crosses the wire as the time that is left, never as a date."""

    __slots__ = ("_at",)

    def __init__(self, at: float) -> None:
        self._at = at

    @classmethod
    def after(cls, seconds: float) -> Self:
        return cls(time.monotonic() + seconds)

    def remaining(self) -> float:
        """Seconds left; negative once it has passed."""
        return self._at - time.monotonic()

    def expired(self) -> bool:
        return self.remaining() <= 0

    def sooner(self, seconds: float) -> "Deadline":
        """This deadline, or `seconds` from now, whichever comes first."""
        return Deadline(min(self._at, time.monotonic() + seconds))


class Trace(Struct, frozen=True):
    """W3C trace context (https://www.w3.org/TR/trace-context/), and the request id that logs carry."""

    trace_id: str
    parent_id: str
    request_id: str
    sampled: bool = True

    def header(self) -> str:
        """The `traceparent` header for a call made under this trace."""
        return f"00-{self.trace_id}-{self.parent_id}-{'01' if self.sampled else '00'}"


def _random_hex(bits: int) -> str:
    """Ids need to be unlike each other, not secret; asking the kernel for each would cost two system calls a request.
    Python seeds its generator anew in every forked process."""
    return f"{random.getrandbits(bits) | 1:0{bits // 4}x}"


_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})")
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")


def new_trace(traceparent: str | None = None, request_id: str | None = None) -> Trace:
    """Continue the caller's trace with a fresh span, or begin one when there is none or it is malformed.

    A request id is kept if it is 1 to 64 letters, digits, dots, hyphens and underscores; else it is replaced.
    """
    span = _random_hex(64)
    if request_id is not None and not _REQUEST_ID.fullmatch(request_id):
        request_id = None
    match = _TRACEPARENT.fullmatch(traceparent or "")
    if match is None:
        return Trace(_random_hex(128), span, request_id or span)
    return Trace(match[1], span, request_id or span, sampled=bool(int(match[3], 16) & 1))


class CallContext(Struct, frozen=True):
    """One call's surroundings.

    A write carries an idempotency key: repeating the call with the same key, business, actor and request has one
    effect and one answer. A read needs none. The deadline holds for the call as a whole, retries included.
    """

    business_id: UUID
    actor: Actor
    deadline: Deadline
    trace: Trace
    idempotency_key: str | None = None
