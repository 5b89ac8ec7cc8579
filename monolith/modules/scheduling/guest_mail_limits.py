"""Rate limits on the mails that bookings and moves send to customers without an account."""

import logging
from typing import Final
from uuid import UUID

from msgspec.structs import replace

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import AppointmentNotFound
from contracts.scheduling.operations import Operation, Q, R, operation_of
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi
from monolith.modules.scheduling.rate_limits import appointments_in
from monolith.shared.database import CommitUnknown, DatabaseUnavailable

log = logging.getLogger(__name__)

MOVES: Final = frozenset(
    operation_of(method).name for method in (SchedulingPort.reschedule, SchedulingPort.reschedule_series)
)
"""The operations that are charged besides those of `rate_limits.LIMITED`."""


class GuestMailLimits(SchedulingPort):
    """A port that refuses, with ApiError 429, what would send too many mails to a guest's mailbox. Thread-safe.

    Nobody has confirmed the address of a guest. Charged are bookings by staff, and moves by staff or by the link of the
    appointment; what guests book themselves is charged when they enter their address. Cancellations, approvals and
    reminders are not: each happens once to an appointment that was charged.

    If the accounts cannot be read, nothing is charged: an outage of their database should not prevent bookings.
    """

    def __init__(self, port: SchedulingPort, auth: AuthApi) -> None:
        self._port = port
        self._auth = auth

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        mails = mails_of(ctx, request)
        if mails:
            customer_id = self._customer(ctx, request)
            if customer_id is not None:
                self._charge(ctx.business_id, customer_id, mails)
        return self._port.call(operation, ctx, request)

    def _customer(self, ctx: CallContext, request: object) -> UUID | None:
        """Return the customer who would receive the mails; None for an appointment that does not exist."""
        match request:
            case m.Book() | m.Hold() | m.BookSeries() | m.BookVisit() | m.JoinWaitlist():
                return request.customer_id
            case _ if ctx.actor.kind == "customer":
                return ctx.actor.id
            case m.Reschedule():
                return self._customer_of(ctx, request.appointment_id)
            case m.RescheduleSeries():
                return self._customer_of(ctx, request.from_appointment_id)
        return None

    def _customer_of(self, ctx: CallContext, appointment_id: UUID) -> UUID | None:
        try:
            read = replace(ctx, idempotency_key=None)
            return self._port.get_appointment(read, m.GetAppointment(appointment_id=appointment_id)).customer_id
        except AppointmentNotFound:
            return None

    def _charge(self, business_id: UUID, customer_id: UUID, mails: int) -> None:
        try:
            self._auth.charge_guest_mails(business_id, customer_id, mails)
        except (CommitUnknown, DatabaseUnavailable) as error:
            log.warning("mails to customer %s were not charged: %s", customer_id, error)


def mails_of(ctx: CallContext, request: object) -> int:
    """Return how many mails the request sends if it is carried out, apart from those charged elsewhere."""
    match request:
        case m.Reschedule():
            return int(request.notify)
        case m.RescheduleSeries():
            return 1
        case m.BookSeries():
            return int(not request.dry_run and ctx.actor.kind == "staff")
        case m.Book() | m.Hold() | m.BookVisit() | m.JoinWaitlist():
            return appointments_in(request) if ctx.actor.kind == "staff" else 0
    return 0
