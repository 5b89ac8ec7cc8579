"""The engine as one object: a port over one database."""

from collections.abc import Callable
from typing import Any, cast

from contracts.scheduling import codec
from contracts.scheduling import operations as ops
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import DeadlineExceeded, Forbidden
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import OneCallPort
from scheduling_service.engine import catalog, reading, writing
from scheduling_service.engine.booking import Bookings
from scheduling_service.engine.database import Connection, Database
from scheduling_service.engine.rules import RulesCache
from scheduling_service.engine.searching import search_slots

_CATALOG: dict[str, Callable[[writing.Write, Any], Any]] = {
    ops.OPEN_BUSINESS.name: catalog.open_business,
    ops.CREATE_OFFERING.name: catalog.create_offering,
    ops.UPDATE_OFFERING.name: catalog.update_offering,
    ops.CREATE_PROVIDER.name: catalog.create_provider,
    ops.UPDATE_PROVIDER.name: catalog.update_provider,
    ops.ASSIGN_OFFERINGS.name: catalog.assign_offerings,
    ops.SET_WEEKLY_HOURS.name: catalog.set_weekly_hours,
}
_READS: dict[str, Callable[[Connection, CallContext, Any], Any]] = {
    ops.GET_BUSINESS.name: lambda db, ctx, _: reading.get_business(db, ctx.business_id),
    ops.LIST_OFFERINGS.name: lambda db, ctx, _: catalog.list_offerings(db, ctx.business_id),
    ops.LIST_PROVIDERS.name: lambda db, ctx, _: catalog.list_providers(db, ctx.business_id),
    ops.GET_APPOINTMENT.name: lambda db, ctx, q: reading.get_appointment(db, ctx.business_id, ctx.actor, q),
    ops.LIST_APPOINTMENTS.name: lambda db, ctx, q: reading.list_appointments(db, ctx.business_id, ctx.actor, q),
    ops.GET_AGENDA.name: lambda db, ctx, q: reading.get_agenda(db, ctx.business_id, q),
}


class SchedulingEngine(OneCallPort):
    """Every operation of the port on one database. Safe to share among threads; holds nothing but a cache of rules."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache = RulesCache()
        bookings = Bookings(self._cache)
        self._bookings: dict[str, Callable[[writing.Write, Any], Any]] = {
            ops.BOOK.name: bookings.book,
            ops.RESCHEDULE.name: bookings.reschedule,
            ops.CANCEL.name: bookings.cancel,
        }

    def ping(self) -> None:
        """Raise Unavailable unless the database answers and is migrated."""
        self._database.ping()

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        """Checked as if the request had crossed a wire, and in that order: no caller is treated more generously."""
        if ctx.deadline.expired():
            raise DeadlineExceeded("The time given ran out; nothing was done.")
        if operation.writes:
            codec.require_key(ctx.idempotency_key)
        request = codec.validate(request)
        if ctx.actor.kind not in operation.actors:
            raise Forbidden("You may not do this.")
        return cast(
            R,
            self._write(operation, ctx, request) if operation.writes else self._read(operation, ctx, request),
        )

    def _write(self, operation: Operation[Any, Any], ctx: CallContext, request: Any) -> Any:
        booking = self._bookings.get(operation.name)
        handler = booking or _CATALOG[operation.name]
        return writing.perform(self._database, operation, ctx, request, handler, alone=booking is None)

    def _read(self, operation: Operation[Any, Any], ctx: CallContext, request: Any) -> Any:
        if operation.name == ops.SEARCH_SLOTS.name:
            return search_slots(self._database, self._cache, ctx, request)
        return reading.perform(self._database, ctx, lambda db: _READS[operation.name](db, ctx, request))
