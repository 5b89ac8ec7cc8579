"""What a handler is given."""

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
    """One request, decoded and allowed. `query` is an instance of the endpoint's query model, if it has one."""

    body: B
    query: Any
    path: Mapping[str, str]
    principal: Principal | None
    business: BusinessRef | None
    trace: Trace
    deadline: Deadline
    idempotency_key: str | None
    remote_address: str
    reply_headers: list[tuple[str, str]] = field(default_factory=list)
    """Headers to send with the reply, such as a cookie."""

    def require_principal(self) -> Principal:
        """The caller, on endpoints that are not public."""
        if self.principal is None:
            raise unauthenticated()
        return self.principal

    def require_business(self) -> BusinessRef:
        """The business, on endpoints with `{slug}` in their path."""
        if self.business is None:
            raise LookupError("this endpoint has no {slug} in its path")
        return self.business

    def id_in_path(self, name: str, what: str) -> UUID:
        """The path's `name` as an id. A malformed one is answered like an unknown `what`: 404."""
        try:
            return UUID(self.path[name])
        except ValueError:
            raise not_found(what) from None
