"""The port that calls whichever side owns the business."""

import time
from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from contracts.chassis.backoff import Backoff
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import BusinessNotFound, DeadlineExceeded, NotOwner, Unavailable
from contracts.scheduling.operations import Operation, Q, R, operation_of
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.values import DatabaseName
from monolith.modules.scheduling.ownership import Ownership
from monolith.shared.database import DatabaseUnavailable

_FIRST_WAIT = 0.002
_LONGEST_WAIT = 0.016
_LAST_TRY = 0.05
"""Seconds. With less left, a try would end in nobody knows what, where now it is known that nothing was done."""

_OPEN_BUSINESS = operation_of(SchedulingPort.open_business).name


class Routes(Protocol):
    """Where businesses are. Errors of the store are the database's own (`DatabaseUnavailable`)."""

    def owner(self, business_id: UUID) -> Ownership | None:
        """As last known; None for a business that scheduling does not know."""

    def reload(self, business_id: UUID) -> Ownership | None:
        """As the routing table says now."""

    def claim(self, business_id: UUID) -> Ownership:
        """The owner of a business that is being opened: chosen by the flag at the first call, and kept."""


class SwitchedScheduling(SchedulingPort):
    """Routes by ownership, never by the flag, and never falls back to the other side because one is slow.

    A side that does not own the business changes nothing and says `NotOwner`; then the same call, with the same key, is
    repeated where the routing table points, until the caller's deadline. A new business goes where the flag points.
    """

    def __init__(self, sides: Mapping[DatabaseName, SchedulingPort], routes: Routes) -> None:
        self._sides = sides
        self._routes = routes

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        route, refused = self._route(operation, ctx), False
        backoff = Backoff(_FIRST_WAIT, _LONGEST_WAIT)
        while True:
            try:
                return self._sides[route.owner].call(operation, ctx, request)
            except DeadlineExceeded as error:
                if refused:
                    raise _being_moved() from error
                raise
            except NotOwner as error:
                refused = True
                route, stale = self._next_route(ctx), route
                if route == stale:
                    # Nobody owns it for a moment: it is being moved.
                    delay = backoff.failed()
                    if ctx.deadline.remaining() <= delay + _LAST_TRY:
                        raise _being_moved() from error
                    time.sleep(delay)

    def _route(self, operation: Operation[Q, R], ctx: CallContext) -> Ownership:
        try:
            if operation.name == _OPEN_BUSINESS:
                return self._routes.claim(ctx.business_id)
            return _existing(self._routes.owner(ctx.business_id))
        except DatabaseUnavailable as error:
            raise Unavailable(error.message, error.retry_after) from error

    def _next_route(self, ctx: CallContext) -> Ownership:
        try:
            return _existing(self._routes.reload(ctx.business_id))
        except DatabaseUnavailable as error:
            raise Unavailable(error.message, error.retry_after) from error


def _being_moved() -> Unavailable:
    return Unavailable("The business is being moved; nothing was done.", retry_after=1)


def _existing(found: Ownership | None) -> Ownership:
    if found is None:
        raise BusinessNotFound("There is no such business.")
    return found
