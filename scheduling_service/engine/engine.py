"""The engine as one object: a port over one database."""

from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import Forbidden
from contracts.scheduling.operations import Operation, Q, R, operation_of
from contracts.scheduling.port import SchedulingPort
from contracts.scheduling.validation import check_deadline, require_key
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

H = TypeVar("H")
_Write = Callable[[write_transaction.Write, Any], Any]
_Booking = Callable[[write_transaction.Write, BusinessRules, Any], Any]
_Read = Callable[[Connection, CallContext, Any], Any]
_Search = Callable[[Database, RulesCache, CallContext, Any], Any]


def _by_operation(handlers: Mapping[Callable[..., Any], H]) -> dict[str, H]:
    """Return the handlers by the names of their operations."""
    return {operation_of(method).name: handler for method, handler in handlers.items()}


CATALOG_WRITES: dict[str, _Write] = _by_operation(
    {
        SchedulingPort.open_business: catalog.open_business,
        SchedulingPort.create_offering: catalog.create_offering,
        SchedulingPort.update_offering: catalog.update_offering,
        SchedulingPort.create_provider: catalog.create_provider,
        SchedulingPort.update_provider: catalog.update_provider,
        SchedulingPort.assign_offerings: catalog.assign_offerings,
        SchedulingPort.set_weekly_hours: catalog.set_weekly_hours,
        SchedulingPort.set_date_override: catalog.set_date_override,
        SchedulingPort.set_holidays: catalog.set_holidays,
        SchedulingPort.block_time: catalog.block_time,
        SchedulingPort.remove_block: catalog.remove_block,
        SchedulingPort.create_resource: catalog.create_resource,
        SchedulingPort.update_resource: catalog.update_resource,
    }
)
"""Changes of the rules: each excludes the business's other writes while it lasts."""

BOOKING_WRITES: dict[str, _Booking] = _by_operation(
    {
        SchedulingPort.book: creation.book,
        SchedulingPort.hold: creation.hold,
        SchedulingPort.confirm: lifecycle.confirm,
        SchedulingPort.approve: lifecycle.approve,
        SchedulingPort.decline: lifecycle.decline,
        SchedulingPort.reschedule: rescheduling.reschedule,
        SchedulingPort.cancel: lifecycle.cancel,
        SchedulingPort.complete: lifecycle.complete,
        SchedulingPort.mark_no_show: lifecycle.mark_no_show,
        SchedulingPort.book_series: series.book_series,
        SchedulingPort.reschedule_series: series.reschedule_series,
        SchedulingPort.cancel_series: series.cancel_series,
        SchedulingPort.book_visit: visit_booking.book_visit,
        SchedulingPort.join_waitlist: waitlist_entries.join_waitlist,
        SchedulingPort.leave_waitlist: waitlist_entries.leave_waitlist,
        SchedulingPort.settle: maintenance.settle,
    }
)
"""Writes by the rules; those of one business run side by side."""

READS: dict[str, _Read] = _by_operation(
    {
        SchedulingPort.get_business: lambda db, ctx, _: queries.get_business(db, ctx.business_id),
        SchedulingPort.list_offerings: lambda db, ctx, _: catalog.list_offerings(db, ctx.business_id),
        SchedulingPort.list_providers: lambda db, ctx, _: catalog.list_providers(db, ctx.business_id),
        SchedulingPort.list_date_overrides: lambda db, ctx, q: catalog.list_date_overrides(db, ctx.business_id, q),
        SchedulingPort.list_holidays: lambda db, ctx, _: catalog.list_holidays(db, ctx.business_id),
        SchedulingPort.list_blocks: lambda db, ctx, q: catalog.list_blocks(db, ctx.business_id, q),
        SchedulingPort.list_resources: lambda db, ctx, _: catalog.list_resources(db, ctx.business_id),
        SchedulingPort.get_appointment: lambda db, ctx, q: queries.get_appointment(db, ctx.business_id, ctx.actor, q),
        SchedulingPort.list_appointments: lambda db, ctx, q: queries.list_appointments(
            db, ctx.business_id, ctx.actor, q
        ),
        SchedulingPort.get_history: lambda db, ctx, q: queries.get_history(db, ctx.business_id, ctx.actor, q),
        SchedulingPort.get_series: lambda db, ctx, q: series.get_series(db, ctx.business_id, ctx.actor, q),
        SchedulingPort.list_waitlist: lambda db, ctx, q: waitlist_entries.list_waitlist(
            db, ctx.business_id, ctx.actor, q
        ),
        SchedulingPort.get_agenda: lambda db, ctx, q: queries.get_agenda(db, ctx.business_id, q),
    }
)
"""What is read in one transaction."""

SEARCHES: dict[str, _Search] = _by_operation(
    {
        SchedulingPort.search_slots: search_slots,
        SchedulingPort.next_available: next_available,
        SchedulingPort.get_overview: get_overview,
        SchedulingPort.search_visits: search_visits,
    }
)
"""What needs the compiled rules beside what is taken."""


class SchedulingEngine(SchedulingPort):
    """Every operation of the port on one database. Safe to share among threads; holds nothing but a cache of rules."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._cache = RulesCache()

    def ping(self) -> None:
        """Raise Unavailable unless the database answers and is migrated."""
        self._database.ping()

    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        """Perform an operation. The checks and their order are the same for local and for remote callers."""
        check_deadline(ctx)
        if operation.writes:
            require_key(ctx.idempotency_key)
        if ctx.actor.kind not in operation.actors:
            raise Forbidden("You may not do this.")
        return cast(
            R,
            self._write(operation, ctx, request) if operation.writes else self._read(operation, ctx, request),
        )

    def _write(self, operation: Operation[Any, Any], ctx: CallContext, request: Any) -> Any:
        booking = BOOKING_WRITES.get(operation.name)
        if booking is None:
            return write_transaction.execute_write(
                self._database, operation, ctx, request, CATALOG_WRITES[operation.name], alone=True
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
        search = SEARCHES.get(operation.name)
        if search is not None:
            return search(self._database, self._cache, ctx, request)
        return queries.execute_read(self._database, ctx, lambda db: READS[operation.name](db, ctx, request))
