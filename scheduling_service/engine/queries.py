"""Appointments as they stand."""

from collections.abc import Callable
from typing import TypeVar
from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.context import Actor, CallContext
from contracts.scheduling.errors import (
    AppointmentNotFound,
    BusinessNotFound,
    Forbidden,
    ProviderNotFound,
)
from scheduling_service.engine.cursors import decode_cursor, encode_cursor
from scheduling_service.engine.database import Connection, Database, time_left_ms
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store import catalog, history, protocol

T = TypeVar("T")


def execute_read(database: Database, ctx: CallContext, work: Callable[[Connection], T]) -> T:
    """What `work` reads in a transaction that sees one business and ends by the deadline. Raises contract errors only;
    BusinessNotFound before `work` begins."""

    def read(db: Connection) -> T:
        with db.transaction():
            if not protocol.begin_read(db, ctx.business_id, time_left_ms(ctx.deadline)):
                raise BusinessNotFound("There is no such business.")
            return work(db)

    return database.read(ctx.deadline, read)


def get_business(db: Connection, business_id: UUID) -> m.Business:
    found = catalog.read_business(db, business_id)
    if found is None:
        raise BusinessNotFound("There is no such business.")
    name, zone, _, epoch = found
    return m.Business(business_id=business_id, name=name, zone=zone, epoch=epoch)


def get_appointment(db: Connection, business_id: UUID, actor: Actor, request: m.GetAppointment) -> m.Appointment:
    found = store.read_appointment(db, business_id, request.appointment_id)
    if found is None or (actor.kind == "customer" and found.customer_id != actor.id):
        raise AppointmentNotFound("There is no such appointment.")
    return found


def get_history(db: Connection, business_id: UUID, actor: Actor, request: m.GetHistory) -> m.History:
    """Of an appointment that the actor may see."""
    get_appointment(db, business_id, actor, m.GetAppointment(appointment_id=request.appointment_id))
    return m.History(changes=tuple(history.read_history(db, business_id, request.appointment_id)))


def list_appointments(
    db: Connection, business_id: UUID, actor: Actor, request: m.ListAppointments
) -> m.AppointmentPage:
    customer_id = request.customer_id
    if actor.kind == "customer":
        if customer_id not in (None, actor.id):
            raise Forbidden("A customer sees their own appointments only.")
        customer_id = actor.id
    found = store.read_page(
        db,
        business_id,
        {
            "customer_id": customer_id,
            "provider_id": request.provider_id,
            "status": request.status,
            "series_id": request.series_id,
            "visit_id": request.visit_id,
        },
        start=request.start,
        after=decode_cursor(request.cursor) if request.cursor else None,
        limit=request.limit + 1,
    )
    page, more = found[: request.limit], len(found) > request.limit
    next_cursor = encode_cursor(page[-1].starts_at, page[-1].appointment_id) if more else None
    return m.AppointmentPage(appointments=tuple(page), next_cursor=next_cursor)


def get_agenda(db: Connection, business_id: UUID, request: m.GetAgenda) -> m.Agenda:
    zone = catalog.read_provider_zone(db, business_id, request.provider_id)
    if zone is None:
        raise ProviderNotFound("This business has no such provider.")
    appointments = store.read_agenda(db, business_id, request.provider_id, request.start, request.end)
    return m.Agenda(provider_id=request.provider_id, zone=zone, appointments=tuple(appointments))
