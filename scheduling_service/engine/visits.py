"""Several services in one visit, all or none."""

from uuid import UUID

from uuid_utils.compat import uuid7

from contracts.scheduling import models as m
from scheduling_service.engine.availability import Question
from scheduling_service.engine.booking import choosing
from scheduling_service.engine.booking.expiring import expire_in_the_way
from scheduling_service.engine.booking.placing import Placement, place, require_own, status_of_new
from scheduling_service.engine.rules import BusinessRules
from scheduling_service.engine.store import claims
from scheduling_service.engine.visiting import offsets, visit_questions
from scheduling_service.engine.writing import Write


def book_visit(write: Write, rules: BusinessRules, request: m.BookVisit) -> m.Visit:
    """Takes exactly what `search_visits` lists. A refusal leaves nothing: the transaction does not commit."""
    require_own(write, request.customer_id, "A customer books for themselves only.")
    questions = visit_questions(
        rules,
        [item.offering_id for item in request.items],
        [item.provider_id for item in request.items],
        request.customer_id,
    )
    visit_id, start = uuid7(), int(request.starts_at.timestamp())
    for question, later in zip(questions, offsets(questions), strict=True):
        # Before the locks below: whoever changes a hold may come to wait for them.
        expire_in_the_way(write, question, start + later)
    write.may_wait = False
    _lock(write, request, questions)
    appointments = [
        place(
            write,
            Placement(
                question=question,
                start=start + later,
                customer_id=request.customer_id,
                status=status_of_new(write, question),
                assigned=item.provider_id is None,
                note=request.note,
                visit_id=visit_id,
            ),
        )
        for item, question, later in zip(request.items, questions, offsets(questions), strict=True)
    ]
    return m.Visit(visit_id=visit_id, appointments=tuple(appointments))


def _lock(write: Write, request: m.BookVisit, questions: list[Question]) -> None:
    """Everything that the parts may need, in the order that all writes keep: customer, assignments, then providers and
    resources by id. Taken part by part, two visits could each wait for the other."""
    business_id = write.ctx.business_id
    if any(question.limited for question in questions):
        claims.lock_customer(write.db, business_id, request.customer_id)
    assigned: dict[UUID, Question] = {
        question.offering.offering_id: question
        for item, question in zip(request.items, questions, strict=True)
        if item.provider_id is None and not question.collective
    }
    for offering_id in sorted(assigned):
        choosing.take_turns(write, assigned[offering_id])
    ids = [each.provider_id for question in questions for each in question.providers]
    ids += [each.resource_id for question in questions for each in question.resources]
    claims.lock_in_turn(write.db, business_id, ids)
