"""Error responses: problem details (RFC 9457), without a web framework."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

import msgspec

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True)
class Problem:
    """A failed request, as the client sees it.

    `code` is stable: clients branch on it. `message` is for a person. `members` are the error's own members of the
    problem details; None values are left out.
    """

    status: int
    code: str
    message: str
    members: Mapping[str, object] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)

    def body(self) -> bytes:
        """Return the problem details as JSON."""
        own = {name: value for name, value in self.members.items() if value is not None}
        title = self.code.replace("_", " ")
        return _encode({"title": title, "status": self.status, "detail": self.message, "code": self.code, **own})


def problem(
    status: int,
    code: str,
    message: str,
    *,
    retry_after: float | None = None,
    headers: Mapping[str, str] | None = None,
    **members: object,
) -> Problem:
    """Return a problem with the headers that belong to it: Retry-After, and WWW-Authenticate with status 401.

    `retry_after`, in seconds, is also a member; the header has it rounded up.
    """
    complete = dict(headers or {})
    if retry_after is not None:
        complete["Retry-After"] = str(max(1, math.ceil(retry_after)))
        members = {"retry_after": retry_after, **members}
    if status == 401:
        complete["WWW-Authenticate"] = "Bearer"
    return Problem(status, code, message, members, complete)
