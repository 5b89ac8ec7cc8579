"""The engine as one object: a port over one database."""

from collections.abc import Callable
from typing import Any, cast

from contracts.scheduling import codec
from contracts.scheduling import operations as ops
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import DeadlineExceeded, Forbidden
from contracts.scheduling.operations import Operation, Q, R
from contracts.scheduling.port import OneCallPort
from scheduling_service.engine import (
    catalog,
    maintenance,
    queries,
    series,
    visit_booking,
    waitlist_entries,
    write_transaction,
)
from scheduling_service.engine.booking import creation, lifecycle, rescheduling
from scheduling_service.engine.database import Connection, Database
from scheduling_service.engine.rules import BusinessRules, RulesCache
from scheduling_service.engine.slot_search import get_overview, next_available, search_slots
from scheduling_service.engine.visit_search import search_visits

_Write = Callable[[write_transaction.Write, Any], Any]
_Booking = Callable[[write_transaction.Write, BusinessRules, Any], Any]
_Read = Callable[[Connection, CallContext, Any], Any]
_Search = Callable[[Database, RulesCache, CallContext, Any], Any]

_CATALOG: dict[str, _Write] = {
    ops.OPEN_BUSINESS.name: catalog.open_business,
    ops.CREATE_OFFERING.name: catalog.create_offering,
    ops.UPDATE_OFFERING.name: catalog.update_offering,
    ops.CREATE_PROVIDER.name: catalog.create_provider,
    ops.UPDATE_PROVIDER.name: catalog.update_provider,
    ops.ASSIGN_OFFERINGS.name: catalog.assign_offerings,
    ops.SET_WEEKLY_HOURS.name: catalog.set_weekly_hours,
    ops.SET_DATE_OVERRIDE.name: catalog.set_date_override,
    ops.SET_HOLIDAYS.name: catalog.set_holidays,
    ops.BLOCK_TIME.name: catalog.block_time,
    ops.REMOVE_BLOCK.name: catalog.remove_block,
    ops.CREATE_RESOURCE.name: catalog.create_resource,
    ops.UPDATE_RESOURCE.name: catalog.update_resource,
}
"""Changes of the rules: each excludes the business's other writes while it lasts."""

_BOOKINGS: dict[str, _Booking] = {
    ops.BOOK.name: creation.book,
    ops.HOLD.name: creation.hold,
    ops.CONFIRM.name: lifecycle.confirm,
    ops.APPROVE.name: lifecycle.approve,
    ops.DECLINE.name: lifecycle.decline,
    ops.RESCHEDULE.name: rescheduling.reschedule,
    ops.CANCEL.name: lifecycle.cancel,
    ops.COMPLETE.name: lifecycle.complete,
    ops.MARK_NO_SHOW.name: lifecycle.mark_no_show,
    ops.BOOK_SERIES.name: series.book_series,
    ops.RESCHEDULE_SERIES.name: series.reschedule_series,
    ops.CANCEL_SERIES.name: series.cancel_series,
    ops.BOOK_VISIT.name: visit_booking.book_visit,
    ops.JOIN_WAITLIST.name: waitlist_entries.join_waitlist,
    ops.LEAVE_WAITLIST.name: waitlist_entries.leave_waitlist,
    ops.SETTLE.name: maintenance.settle,
}
"""Writes by the rules; those of one business run side by side."""

_READS: dict[str, _Read] = {
    ops.GET_BUSINESS.name: lambda db, ctx, _: queries.get_business(db, ctx.business_id),
    ops.LIST_OFFERINGS.name: lambda db, ctx, _: catalog.list_offerings(db, ctx.business_id),
    ops.LIST_PROVIDERS.name: lambda db, ctx, _: catalog.list_providers(db, ctx.business_id),
    ops.LIST_DATE_OVERRIDES.name: lambda db, ctx, q: catalog.list_date_overrides(db, ctx.business_id, q),
    ops.LIST_HOLIDAYS.name: lambda db, ctx, _: catalog.list_holidays(db, ctx.business_id),
    ops.LIST_BLOCKS.name: lambda db, ctx, q: catalog.list_blocks(db, ctx.business_id, q),
    ops.LIST_RESOURCES.name: lambda db, ctx, _: catalog.list_resources(db, ctx.business_id),
    ops.GET_APPOINTMENT.name: lambda db, ctx, q: queries.get_appointment(db, ctx.business_id, ctx.actor, q),
    ops.LIST_APPOINTMENTS.name: lambda db, ctx, q: queries.list_appointments(db, ctx.business_id, ctx.actor, q),
    ops.GET_HISTORY.name: lambda db, ctx, q: queries.get_history(db, ctx.business_id, ctx.actor, q),
    ops.GET_SERIES.name: lambda db, ctx, q: series.get_series(db, ctx.business_id, ctx.actor, q),
    ops.LIST_WAITLIST.name: lambda db, ctx, q: waitlist_entries.list_waitlist(db, ctx.business_id, ctx.actor, q),
    ops.GET_AGENDA.name: lambda db, ctx, q: queries.get_agenda(db, ctx.business_id, q),
}
"""What is read in one transaction."""

_SEARCHES: dict[str, _Search] = {
    ops.SEARCH_SLOTS.name: search_slots,
    ops.NEXT_AVAILABLE.name: next_available,
    ops.GET_OVERVIEW.name: get_overview,
    ops.SEARCH_VISITS.name: search_visits,
}
"""What needs the compiled rules beside what is taken."""


class SchedulingEngine(OneCallPort):
    """Every operation of the port on one database. Safe to share among threads; holds nothing but a cache of rules."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache = RulesCache()

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
        booking = _BOOKINGS.get(operation.name)
        if booking is None:
            return write_transaction.execute_write(
                self._database, operation, ctx, request, _CATALOG[operation.name], alone=True
            )

        def by_the_rules(write: write_transaction.Write, asked: Any) -> Any:
            return booking(write, self._rules(write), asked)

        return write_transaction.execute_write(self._database, operation, ctx, request, by_the_rules, alone=False)

    def _rules(self, write: write_transaction.Write) -> BusinessRules:
        """As they are while the write lasts: they change only when nobody else writes."""
        business_id = write.ctx.business_id
        return self._cache.get_or_load(
            business_id, write.rules_version, lambda: catalog.load_rules(write.db, business_id)
        )

    def _read(self, operation: Operation[Any, Any], ctx: CallContext, request: Any) -> Any:
        search = _SEARCHES.get(operation.name)
        if search is not None:
            return search(self._database, self._cache, ctx, request)
        return queries.execute_read(self._database, ctx, lambda db: _READS[operation.name](db, ctx, request))
