"""Book a visit: several services in a row, all or none."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from scheduling_service.engine.availability import AvailabilityQuery
from scheduling_service.engine.booking.creation import (
    NewAppointment,
    create_appointment,
    initial_status,
    require_own,
)
from scheduling_service.engine.booking.expiry import expire_blocking_holds
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.visit_search import build_visit_queries, start_offsets
from scheduling_service.engine.write_transaction import Write


def book_visit(write: Write, rules: BusinessRules, request: m.BookVisit) -> m.Visit:
    """Book a visit that `search_visits` lists. A refusal rolls back all of it."""
    require_own(write, request.customer_id, "Customers can only book for themselves.")
    queries = build_visit_queries(
        rules,
        [item.offering_id for item in request.items],
        [item.provider_id for item in request.items],
        request.customer_id,
    )
    visit_id, start = uuid7(), int(request.starts_at.timestamp())
    # Expiry comes first: it may wait for another write, which is allowed only before the locks below.
    for query, offset in zip(queries, start_offsets(queries), strict=True):
        expire_blocking_holds(write, query, start + offset)
    _lock(write, request, queries)
    appointments = [
        create_appointment(
            write,
            NewAppointment(
                query=query,
                start=start + offset,
                customer_id=request.customer_id,
                status=initial_status(write, query),
                assigned=item.provider_id is None,
                note=request.note,
                visit_id=visit_id,
            ),
        )
        for item, query, offset in zip(request.items, queries, start_offsets(queries), strict=True)
    ]
    return m.Visit(visit_id=visit_id, appointments=tuple(appointments))


def _lock(write: Write, request: m.BookVisit, queries: list[AvailabilityQuery]) -> None:
    """Acquire the locks of all services at once: one service at a time, two visits could wait for each other."""
    ids: set[UUID] = set()
    for query in queries:
        ids.update(query.provider_and_resource_ids)
    write.locks.acquire(
        customer_ids=[request.customer_id] if any(query.limited for query in queries) else [],
        offering_ids={
            query.offering.offering_id
            for item, query in zip(request.items, queries, strict=True)
            if item.provider_id is None and not query.collective
        },
        provider_and_resource_ids=ids,
    )
