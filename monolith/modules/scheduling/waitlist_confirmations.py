"""Mails to customers who join the waitlist, however they join it: on the booking site, by staff, over the API."""

import logging
from typing import Final

from msgspec.structs import replace

from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.operations import Operation, Q, R, operation_of
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi, WaitingCustomer
from monolith.shared.database import CommitUnknown, DatabaseUnavailable

log = logging.getLogger(__name__)

_JOIN: Final = operation_of(SchedulingPort.join_waitlist).name


class WaitlistConfirmations(SchedulingPort):
    """A port that has a customer notified who has joined the waitlist and waits. Thread-safe.

    Scheduling publishes no event about it, because events are about appointments. A customer to whom a time is offered
    at once receives the mail about the offer only. If the mail cannot be queued, the customer waits all the same.
    """

    def __init__(self, port: SchedulingPort, auth: AuthApi) -> None:
        self._port = port
        self._auth = auth

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        reply = self._port.call(operation, ctx, request)
        if operation.name == _JOIN and isinstance(reply, m.WaitlistEntry) and reply.status == "waiting":
            try:
                self._confirm(ctx, reply)
            except (CommitUnknown, DatabaseUnavailable, SchedulingError) as error:
                log.warning("the confirmation of waitlist entry %s was not queued: %s", reply.entry_id, error)
        return reply

    def _confirm(self, ctx: CallContext, entry: m.WaitlistEntry) -> None:
        offerings = self._port.list_offerings(replace(ctx, idempotency_key=None), m.ListOfferings()).offerings
        service = next((each.name for each in offerings if each.offering_id == entry.offering_id), None)
        business = self._auth.business(ctx.business_id)
        if service is None or business is None:
            return
        waiting = WaitingCustomer(
            customer_id=entry.customer_id,
            entry_id=entry.entry_id,
            service=service,
            start=entry.start,
            end=entry.end,
            zone=business.zone,
        )
        self._auth.confirm_waiting(ctx.business_id, waiting)
