"""The switched adapter: calls the database that owns the business."""

from collections.abc import Mapping
from threading import BoundedSemaphore
from typing import Protocol
from uuid import UUID

from contracts.chassis.backoff import Backoff
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import BusinessNotFound, DeadlineExceeded, NotOwner, Unavailable
from contracts.scheduling.operations import Operation, Port, Q, R, operation_of
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.database import DatabaseUnavailable

_FIRST_WAIT = 0.004
_LONGEST_WAIT = 0.064
"""Seconds between two attempts, unless a change notice ends the wait earlier."""
_LAST_TRY = 0.05
"""Seconds. With less time left, a retry could end in an unknown outcome; stop while the outcome is still known."""

_OPEN_BUSINESS = operation_of(SchedulingPort.open_business).name


class Routes(Protocol):
    """The routing table. Its methods raise `DatabaseUnavailable`."""

    def owner(self, business_id: UUID) -> Ownership | None:
        """Return the last known owner, or None for a business that scheduling does not know."""

    def reload(self, business_id: UUID) -> Ownership | None:
        """Return the owner as stored in the routing table now."""

    def claim(self, business_id: UUID) -> Ownership:
        """Return the owner of a business that is being opened: the flag decides it at the first call."""

    def changes(self) -> int:
        """Return the number of change notices so far."""

    def wait_for_change(self, seen: int, seconds: float) -> None:
        """Return when more than `seen` change notices have arrived, or after `seconds`."""


class SwitchedScheduling(SchedulingPort):
    """Routes by ownership, never by the flag, and never falls back to another adapter because one is slow.

    An adapter whose database does not own the business changes nothing and raises `NotOwner`. The same call, with the
    same key, is then repeated on the owner in the routing table, until the caller's deadline. The flag decides only
    where a new business is opened.
    """

    def __init__(self, adapters: Mapping[DatabaseName, Port], routes: Routes, *, waiting_at_once: int = 64) -> None:
        """`adapters` may be built on demand, and raise DatabaseUnavailable.

        At most `waiting_at_once` calls wait for the end of a cutover at once, so that they never hold all threads;
        further ones are refused."""
        self._adapters = adapters
        self._routes = routes
        self._waiting = BoundedSemaphore(waiting_at_once)

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        route, refused = self._route(operation, ctx), False
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        while True:
            seen = self._routes.changes()
            try:
                return self._adapter(route).call(operation, ctx, request)
            except DeadlineExceeded as error:
                if refused:
                    raise _cutover_under_way() from error
                raise
            except NotOwner as error:
                refused = True
                route, stale = self._next_route(ctx), route
                if route == stale:
                    # No lease is active at the moment: a cutover is under way. Each of its steps sends a notice.
                    delay = backoff.failed()
                    if ctx.deadline.remaining() <= delay + _LAST_TRY:
                        raise _cutover_under_way() from error
                    self._wait_for_change(seen, delay, error)
                else:
                    backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)

    def _adapter(self, route: Ownership) -> Port:
        try:
            return self._adapters[route.owner]
        except DatabaseUnavailable as error:
            raise Unavailable(error.message, error.retry_after) from error

    def _wait_for_change(self, seen: int, seconds: float, refusal: NotOwner) -> None:
        if not self._waiting.acquire(blocking=False):
            raise _cutover_under_way() from refusal
        try:
            self._routes.wait_for_change(seen, seconds)
        finally:
            self._waiting.release()

    def _route(self, operation: Operation[Q, R], ctx: CallContext) -> Ownership:
        try:
            if operation.name == _OPEN_BUSINESS:
                return self._routes.claim(ctx.business_id)
            return _require(self._routes.owner(ctx.business_id))
        except DatabaseUnavailable as error:
            raise Unavailable(error.message, error.retry_after) from error

    def _next_route(self, ctx: CallContext) -> Ownership:
        try:
            return _require(self._routes.reload(ctx.business_id))
        except DatabaseUnavailable as error:
            raise Unavailable(error.message, error.retry_after) from error


def _cutover_under_way() -> Unavailable:
    return Unavailable("The business is being moved; nothing was done.", retry_after=1)


def _require(found: Ownership | None) -> Ownership:
    if found is None:
        raise BusinessNotFound("There is no such business.")
    return found
