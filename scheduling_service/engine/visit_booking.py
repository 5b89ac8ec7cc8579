"""Several services in one visit, all or none."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from scheduling_service.engine.availability import AvailabilityQuery
from scheduling_service.engine.booking import assignment
from scheduling_service.engine.booking.creation import NewAppointment, create_appointment, require_own, status_of_new
from scheduling_service.engine.booking.expiry import expire_blocking_holds
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import claims
from scheduling_service.engine.visit_search import build_visit_queries, start_offsets
from scheduling_service.engine.write_transaction import Write


def book_visit(write: Write, rules: BusinessRules, request: m.BookVisit) -> m.Visit:
    """Takes exactly what `search_visits` lists. A refusal leaves nothing: the transaction does not commit."""
    require_own(write, request.customer_id, "A customer books for themselves only.")
    queries = build_visit_queries(
        rules,
        [item.offering_id for item in request.items],
        [item.provider_id for item in request.items],
        request.customer_id,
    )
    visit_id, start = uuid7(), int(request.starts_at.timestamp())
    for query, later in zip(queries, start_offsets(queries), strict=True):
        # Before the locks below: whoever changes a hold may come to wait for them.
        expire_blocking_holds(write, query, start + later)
    write.may_wait = False
    _lock(write, request, queries)
    appointments = [
        create_appointment(
            write,
            NewAppointment(
                query=query,
                start=start + later,
                customer_id=request.customer_id,
                status=status_of_new(write, query),
                assigned=item.provider_id is None,
                note=request.note,
                visit_id=visit_id,
            ),
        )
        for item, query, later in zip(request.items, queries, start_offsets(queries), strict=True)
    ]
    return m.Visit(visit_id=visit_id, appointments=tuple(appointments))


def _lock(write: Write, request: m.BookVisit, queries: list[AvailabilityQuery]) -> None:
    """Everything that the parts may need, in the order that all writes keep: customer, assignments, then providers and
    resources by id. Taken part by part, two visits could each wait for the other."""
    business_id = write.ctx.business_id
    if any(query.limited for query in queries):
        claims.lock_customer(write.db, business_id, request.customer_id)
    assigned: dict[UUID, AvailabilityQuery] = {
        query.offering.offering_id: query
        for item, query in zip(request.items, queries, strict=True)
        if item.provider_id is None and not query.collective
    }
    for offering_id in sorted(assigned):
        assignment.lock_rotation(write, assigned[offering_id])
    ids = [each.provider_id for query in queries for each in query.providers]
    ids += [each.resource_id for query in queries for each in query.resources]
    claims.lock_providers_and_resources(write.db, business_id, ids)
