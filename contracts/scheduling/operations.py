"""Operations of the port: what a row contains, and the decorator that declares it.

An operation is declared once, on its method of `port.SchedulingPort`. The service's routes, the HTTP adapter, the
public API and the OpenAPI document are derived from that declaration.
"""

import inspect
from abc import ABC, abstractmethod
from collections.abc import Callable
from functools import wraps
from typing import Any, Generic, Literal, TypeAlias, TypeVar, cast

from msgspec import Struct

from contracts.scheduling import errors
from contracts.scheduling.context import ActorKind, CallContext
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.models.kinds import Reply, Request
from contracts.scheduling.validation import check_call

Q = TypeVar("Q", bound=Request)
R = TypeVar("R", bound=Reply)
F = TypeVar("F", bound=Callable[[Any, CallContext, Any], Reply])

Actors: TypeAlias = frozenset[ActorKind]
Errors: TypeAlias = tuple[type[SchedulingError], ...]

SYSTEM_ONLY: Actors = frozenset({"system"})
STAFF: Actors = SYSTEM_ONLY | {"staff"}
CUSTOMERS: Actors = STAFF | {"customer"}
EVERYONE: Actors = CUSTOMERS | {"anonymous"}

ERRORS_OF_ANY_CALL: Errors = (
    errors.InvalidRequest,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.BusinessNotFound,
    errors.Unavailable,
    errors.DeadlineExceeded,
)
ERRORS_OF_ANY_WRITE: Errors = (errors.NotOwner, errors.KeyReused, errors.KeyInProgress, errors.OutcomeUnknown)

READ_BUDGET_MS = 2_000
WRITE_BUDGET_MS = 5_000


class Operation(Struct, Generic[Q, R], frozen=True, kw_only=True):
    """One operation of the port.

    Fields of the request that `path` names travel in the path; the others travel in the query of a GET, or in the JSON
    body. `errors` lists all that a call may raise, by status and code. `budget_ms` caps the deadline of a call. A call
    may be repeated if the operation is `idempotent`: reads by nature, writes by their key.
    """

    name: str
    method: Literal["GET", "POST", "PUT"]
    path: str
    request: type[Q]
    reply: type[R]
    actors: Actors
    errors: Errors
    summary: str
    description: str
    budget_ms: int
    status: Literal[200, 201]
    idempotent: bool = True

    @property
    def writes(self) -> bool:
        """Whether a call may change something, and therefore needs an idempotency key."""
        return self.method != "GET"


AnyOperation: TypeAlias = Operation[Any, Any]


class Port(ABC):
    """The API of a module as declared operations. An implementation defines `call`, which the typed methods use."""

    @abstractmethod
    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        """Perform one operation with a valid request, such as one that was decoded from the wire.

        The typed methods check their requests; call this method directly only with a checked or decoded request.
        """


def operation(
    method: Literal["GET", "POST", "PUT"],
    path: str,
    actors: Actors,
    *own_errors: type[SchedulingError],
    status: Literal[200, 201] = 200,
) -> Callable[[F], F]:
    """Declare a method of the port as an operation, and implement it by the port's `call`.

    Request and reply are the types of the method's signature, summary and description its docstring. `own_errors` are
    raised in addition to those that any call or any write may raise.
    """

    def declare(function: F) -> F:
        row = _row(function, method, path, actors, own_errors, status)

        @wraps(function)
        def checked_call(self: Any, ctx: CallContext, request: Any) -> Any:
            return self.call(row, ctx, check_call(ctx, request, writes=row.writes))

        checked_call.__dict__["operation"] = row
        return cast(F, checked_call)

    return declare


def operation_of(method: Callable[[Any, CallContext, Q], R]) -> Operation[Q, R]:
    """Return the operation that a method of the port declares: `operation_of(SchedulingPort.book)`."""
    row: Operation[Q, R] = method.__dict__["operation"]
    return row


def declared_operations(port: type) -> tuple[AnyOperation, ...]:
    """Return the operations that the methods of a class declare, in the order of their definition."""
    return tuple(each.operation for each in vars(port).values() if hasattr(each, "operation"))


def _row(
    function: F,
    method: Literal["GET", "POST", "PUT"],
    path: str,
    actors: Actors,
    own_errors: Errors,
    status: Literal[200, 201],
) -> AnyOperation:
    signature = inspect.signature(function)
    summary, _, description = (inspect.getdoc(function) or "").partition("\n\n")
    return Operation(
        name=function.__name__,
        method=method,
        path=path,
        request=signature.parameters["request"].annotation,
        reply=signature.return_annotation,
        actors=actors,
        errors=_all_errors(own_errors, writes=method != "GET"),
        summary=" ".join(summary.split()).removesuffix("."),
        description=" ".join(description.split()),
        budget_ms=READ_BUDGET_MS if method == "GET" else WRITE_BUDGET_MS,
        status=status,
    )


def _all_errors(own_errors: Errors, *, writes: bool) -> Errors:
    every = {*ERRORS_OF_ANY_CALL, *own_errors, *(ERRORS_OF_ANY_WRITE if writes else ())}
    return tuple(sorted(every, key=lambda error: (error.status, error.code)))
