"""Declaration of an endpoint: one row of a module's table."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from msgspec import Struct

from monolith.shared.endpoints.call import B, Call

R = TypeVar("R")


class Access(Enum):
    """Required access. From MEMBER to OWNER, it is a role in the business that the path names."""

    PUBLIC = "everyone"
    SESSION = "signed-in users, but not API tokens"
    SIGNED_IN = "signed-in users and API tokens"
    MEMBER = "the owner, staff and customers of the business"
    READER = "the owner, staff and readers of the business"
    STAFF = "the owner and staff of the business"
    OWNER = "the owner of the business"
    VIEWER = "operators and viewers of the product"
    OPERATOR = "operators of the product"


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint(Generic[B, R]):
    """The endpoint at `/api/v1{path}`; route, decoding, access check and documentation follow from its fields.

    `{slug}` in the path names a business; an unknown one is 404 before the handler runs. `body` and `query` are models
    that reject unknown fields. With `reply` None, the response has no body and status 204. `needs_key` requires an
    Idempotency-Key header. A PUBLIC endpoint receives the caller too, if the request has a credential.
    """

    module: str
    name: str
    method: Literal["GET", "POST", "PUT", "PATCH", "DELETE"]
    path: str
    access: Access
    handler: Callable[[Call[B]], R]
    reply: type[R] | None
    body: type[B] | None = None
    query: type[Struct] | None = None
    status: int = 200
    summary: str = ""
    needs_key: bool = False
    errors: Sequence[tuple[int, str]] = ()
    """HTTP status and code of errors, in addition to those that follow from the other fields."""

    @property
    def required_access(self) -> Access:
        """The access that is checked: readers may call every GET for staff."""
        return Access.READER if self.access is Access.STAFF and self.method == "GET" else self.access


AnyEndpoint: TypeAlias = Endpoint[Any, Any]
