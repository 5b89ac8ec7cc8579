"""Rate limits on what customers may take: bookings, holds and places on the waitlist."""

from collections.abc import Callable
from ipaddress import ip_address
from typing import Final, NamedTuple
from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation, Q, R, operation_of
from contracts.scheduling.port import SchedulingPort
from monolith.shared.rate_limits import Attempt, Buckets, Limit, too_many

LIMITED: Final = frozenset(
    operation_of(method).name
    for method in (
        SchedulingPort.book,
        SchedulingPort.hold,
        SchedulingPort.book_series,
        SchedulingPort.book_visit,
        SchedulingPort.join_waitlist,
    )
)
OF_BUSINESS: Final = Limit("bookings of business", burst=1_000, seconds=0.02)
"""More than any business is booked by people."""
FROM_ADDRESS: Final = Limit("bookings from address", burst=100, seconds=1)
"""Generous, because many customers may share an address, such as that of a school."""
FROM_DEVICE: Final = Limit("bookings from device", burst=30, seconds=5)
"""For devices on which the customer has signed in before, together; they are not subject to the limits above."""


class Caller(NamedTuple):
    """The origin of a call. `device` identifies the actor, whose e-mail address is confirmed, if they have signed in on
    the device before; None for any other device."""

    address: str
    device: str | None


class RateLimitedScheduling(SchedulingPort):
    """A port that refuses too many bookings by customers with ApiError 429. Thread-safe.

    Calls of staff are not limited, nor are those of no client, for which `caller` returns None. A known device has a
    limit of its own: strangers who exhaust those of the business or of a shared address do not lock it out. The
    address of this machine is not limited: behind a proxy that is not trusted, it would be that of all clients.

    A series or a visit counts as all its appointments. It is accepted as long as any allowance is left, so that even
    the largest one is possible on a known device; later bookings wait until the allowance is restored.
    """

    def __init__(self, port: SchedulingPort, buckets: Buckets, caller: Callable[[UUID], Caller | None]) -> None:
        self._port = port
        self._buckets = buckets
        self._caller = caller

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        if operation.name in LIMITED and ctx.actor.kind == "customer":
            caller = self._caller(ctx.actor.id)
            if caller is not None:
                self._charge(ctx.business_id, caller, appointments_in(request))
        return self._port.call(operation, ctx, request)

    def _charge(self, business_id: UUID, caller: Caller, count: int) -> None:
        wait = self._buckets.charge(*_attempts(business_id, caller), count=count)
        if wait > 0:
            raise too_many(wait)


def appointments_in(request: object) -> int:
    """Return the number of appointments that a request wants at most."""
    match request:
        case m.BookSeries(dry_run=False):
            return request.recurrence.count
        case m.BookVisit():
            return len(request.items)
    return 1


def _attempts(business_id: UUID, caller: Caller) -> list[Attempt]:
    if caller.device is not None:
        return [(FROM_DEVICE, caller.device)]
    attempts = [(OF_BUSINESS, str(business_id))]
    if not _is_this_machine(caller.address):
        attempts.append((FROM_ADDRESS, caller.address))
    return attempts


def _is_this_machine(address: str) -> bool:
    try:
        return ip_address(address.partition("/")[0]).is_loopback
    except ValueError:
        return True  # without an address, such as on a Unix socket
