"""The decoded request that a handler receives."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar
from uuid import UUID

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from monolith.shared.endpoints.errors import not_found, unauthenticated
from monolith.shared.endpoints.identity import BusinessRef, Principal

B = TypeVar("B")


@dataclass(slots=True)
class Call(Generic[B]):
    """One decoded and authorized request. `query` is an instance of the endpoint's query model, if it has one."""

    body: B
    query: Any
    path: Mapping[str, str]
    principal: Principal | None
    business: BusinessRef | None
    trace: Trace
    deadline: Deadline
    idempotency_key: str | None
    remote_address: str
    user_agent: str = ""
    device_cookie: str = ""
    reply_headers: list[tuple[str, str]] = field(default_factory=list)
    """Headers to send with the reply, such as a cookie."""

    def require_principal(self) -> Principal:
        """Return the caller; on public endpoints raises ApiError 401 if there is none."""
        if self.principal is None:
            raise unauthenticated()
        return self.principal

    def require_business(self) -> BusinessRef:
        """Return the business of the path; raises LookupError if the path has no `{slug}`."""
        if self.business is None:
            raise LookupError("this endpoint has no {slug} in its path")
        return self.business

    def id_in_path(self, name: str, what: str) -> UUID:
        """Return the id `name` in the path. A malformed one raises the same ApiError 404 as an unknown `what`."""
        try:
            return UUID(self.path[name])
        except ValueError:
            raise not_found(what) from None
