"""The handler of each operation: one line in a `_bind` function below.

CONTRIBUTING.md, "Add an operation to scheduling", lists all steps.
"""

from collections.abc import Callable, Iterable
from typing import Any

from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import AnyOperation, Q, R, operation_of
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from scheduling_service.engine import (
    catalog,
    maintenance,
    queries,
    series,
    slot_search,
    visit_booking,
    visit_search,
    waitlist_entries,
)
from scheduling_service.engine.booking import creation, lifecycle, rescheduling
from scheduling_service.engine.database import EngineDatabase
from scheduling_service.engine.read_transaction import Read, execute_read, execute_single_read
from scheduling_service.engine.rules import BusinessRules, RulesCache
from scheduling_service.engine.write_transaction import Write, execute_write

PortMethod = Callable[[Any, CallContext, Q], R]
Handler = Callable[[CallContext, Any], Any]
"""Executes one validated request."""


class HandlerTable:
    """Binds the port's methods to handlers of four kinds.

    The type checker compares the models of method and handler; `require` finds omissions.
    """

    def __init__(self, database: EngineDatabase, cache: RulesCache) -> None:
        self._database = database
        self._cache = cache
        self._handlers: dict[str, Handler] = {}

    def __getitem__(self, operation: AnyOperation) -> Handler:
        return self._handlers[operation.name]

    def require(self, operations: Iterable[AnyOperation]) -> None:
        """Raise RuntimeError unless exactly these operations have a handler."""
        names = {operation.name for operation in operations}
        if names != self._handlers.keys():
            differing = ", ".join(sorted(names ^ self._handlers.keys()))
            raise RuntimeError(f"operations and handlers differ: {differing}")

    def catalog_change(self, method: PortMethod[Q, R], handle: Callable[[Write, Q], R]) -> None:
        """Bind a change of the rules, which excludes the business's other writes."""

        def execute(ctx: CallContext, request: Q) -> R:
            return execute_write(self._database, operation_of(method), ctx, request, handle, exclusive=True)

        self._bind(operation_of(method), execute, writes=True)

    def booking(self, method: PortMethod[Q, R], handle: Callable[[Write, BusinessRules, Q], R]) -> None:
        """Bind a write that follows the rules. A business's bookings run in parallel."""

        def handle_with_rules(write: Write, request: Q) -> R:
            return handle(write, self._rules(write), request)

        def execute(ctx: CallContext, request: Q) -> R:
            return execute_write(self._database, operation_of(method), ctx, request, handle_with_rules, exclusive=False)

        self._bind(operation_of(method), execute, writes=True)

    def read(self, method: PortMethod[Q, R], handle: Callable[[Read, Q], R]) -> None:
        """Bind a read in one transaction."""

        def execute(ctx: CallContext, request: Q) -> R:
            return execute_read(self._database, ctx, lambda read: handle(read, request))

        self._bind(operation_of(method), execute, writes=False)

    def single_read(self, method: PortMethod[Q, R], handle: Callable[[Read, Q], R]) -> None:
        """Bind a read that waits for Postgres once."""

        def execute(ctx: CallContext, request: Q) -> R:
            return execute_single_read(self._database, ctx, lambda read: handle(read, request))

        self._bind(operation_of(method), execute, writes=False)

    def search(
        self, method: PortMethod[Q, R], handle: Callable[[EngineDatabase, RulesCache, CallContext, Q], R]
    ) -> None:
        """Bind a read that combines the compiled rules with one statement per query."""

        def execute(ctx: CallContext, request: Q) -> R:
            return handle(self._database, self._cache, ctx, request)

        self._bind(operation_of(method), execute, writes=False)

    def _bind(self, operation: AnyOperation, handler: Handler, *, writes: bool) -> None:
        if operation.writes != writes:
            raise RuntimeError(f"{operation.name} has a handler of the wrong kind")
        if operation.name in self._handlers:
            raise RuntimeError(f"{operation.name} has two handlers")
        self._handlers[operation.name] = handler

    def _rules(self, write: Write) -> BusinessRules:
        """Return the current rules. They cannot change before the write ends, because their changes are exclusive."""
        business_id = write.ctx.business_id
        return self._cache.get_or_load(
            business_id, write.rules_version, lambda: catalog.load_rules(write.db, business_id)
        )


def bind_handlers(database: EngineDatabase, cache: RulesCache) -> HandlerTable:
    """Bind every operation of the contract; raise RuntimeError if one is missing."""
    table = HandlerTable(database, cache)
    _bind_catalog(table)
    _bind_bookings(table)
    _bind_reads(table)
    _bind_searches(table)
    table.require(OPERATIONS)
    return table


def _bind_catalog(table: HandlerTable) -> None:
    table.catalog_change(SchedulingPort.open_business, catalog.open_business)
    table.catalog_change(SchedulingPort.update_business, catalog.update_business)
    table.catalog_change(SchedulingPort.create_offering, catalog.create_offering)
    table.catalog_change(SchedulingPort.update_offering, catalog.update_offering)
    table.catalog_change(SchedulingPort.create_provider, catalog.create_provider)
    table.catalog_change(SchedulingPort.update_provider, catalog.update_provider)
    table.catalog_change(SchedulingPort.assign_offerings, catalog.assign_offerings)
    table.catalog_change(SchedulingPort.set_weekly_hours, catalog.set_weekly_hours)
    table.catalog_change(SchedulingPort.set_date_override, catalog.set_date_override)
    table.catalog_change(SchedulingPort.set_holidays, catalog.set_holidays)
    table.catalog_change(SchedulingPort.block_time, catalog.block_time)
    table.catalog_change(SchedulingPort.remove_block, catalog.remove_block)
    table.catalog_change(SchedulingPort.create_resource, catalog.create_resource)
    table.catalog_change(SchedulingPort.update_resource, catalog.update_resource)


def _bind_bookings(table: HandlerTable) -> None:
    table.booking(SchedulingPort.book, creation.book)
    table.booking(SchedulingPort.hold, creation.hold)
    table.booking(SchedulingPort.extend_hold, lifecycle.extend_hold)
    table.booking(SchedulingPort.confirm, lifecycle.confirm)
    table.booking(SchedulingPort.approve, lifecycle.approve)
    table.booking(SchedulingPort.decline, lifecycle.decline)
    table.booking(SchedulingPort.reschedule, rescheduling.reschedule)
    table.booking(SchedulingPort.cancel, lifecycle.cancel)
    table.booking(SchedulingPort.complete, lifecycle.complete)
    table.booking(SchedulingPort.mark_no_show, lifecycle.mark_no_show)
    table.booking(SchedulingPort.book_series, series.book_series)
    table.booking(SchedulingPort.reschedule_series, series.reschedule_series)
    table.booking(SchedulingPort.cancel_series, series.cancel_series)
    table.booking(SchedulingPort.book_visit, visit_booking.book_visit)
    table.booking(SchedulingPort.join_waitlist, waitlist_entries.join_waitlist)
    table.booking(SchedulingPort.leave_waitlist, waitlist_entries.leave_waitlist)
    table.booking(SchedulingPort.settle, maintenance.settle)


def _bind_reads(table: HandlerTable) -> None:
    table.read(SchedulingPort.get_business, queries.get_business)
    table.single_read(SchedulingPort.list_offerings, catalog.list_offerings)
    table.single_read(SchedulingPort.list_providers, catalog.list_providers)
    table.read(SchedulingPort.list_date_overrides, catalog.list_date_overrides)
    table.read(SchedulingPort.list_holidays, catalog.list_holidays)
    table.read(SchedulingPort.list_blocks, catalog.list_blocks)
    table.read(SchedulingPort.list_resources, catalog.list_resources)
    table.read(SchedulingPort.get_appointment, queries.get_appointment)
    table.read(SchedulingPort.list_appointments, queries.list_appointments)
    table.read(SchedulingPort.get_history, queries.get_history)
    table.read(SchedulingPort.get_series, series.get_series)
    table.read(SchedulingPort.list_waitlist, waitlist_entries.list_waitlist)
    table.read(SchedulingPort.get_agenda, queries.get_agenda)


def _bind_searches(table: HandlerTable) -> None:
    table.search(SchedulingPort.search_slots, slot_search.search_slots)
    table.search(SchedulingPort.next_available, slot_search.next_available)
    table.search(SchedulingPort.get_overview, slot_search.get_overview)
    table.search(SchedulingPort.search_visits, visit_search.search_visits)
