"""Appointments as they stand."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TypeVar
from uuid import UUID

import msgspec

from contracts.scheduling import models as m
from contracts.scheduling.context import Actor, CallContext
from contracts.scheduling.errors import (
    AppointmentNotFound,
    BusinessNotFound,
    Forbidden,
    InvalidRequest,
    ProviderNotFound,
)
from scheduling_service.engine.database import Connection, Database, time_left_ms
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store import catalog, protocol

T = TypeVar("T")


def perform(database: Database, ctx: CallContext, work: Callable[[Connection], T]) -> T:
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
        customer_id=customer_id,
        provider_id=request.provider_id,
        status=request.status,
        start=request.start,
        after=_position(request.cursor) if request.cursor else None,
        limit=request.limit + 1,
    )
    page, more = found[: request.limit], len(found) > request.limit
    return m.AppointmentPage(appointments=tuple(page), next_cursor=_cursor(page[-1]) if more else None)


def get_agenda(db: Connection, business_id: UUID, request: m.GetAgenda) -> m.Agenda:
    zone = catalog.read_provider_zone(db, business_id, request.provider_id)
    if zone is None:
        raise ProviderNotFound("This business has no such provider.")
    appointments = store.read_agenda(db, business_id, request.provider_id, request.start, request.end)
    return m.Agenda(provider_id=request.provider_id, zone=zone, appointments=tuple(appointments))


def _cursor(last: m.Appointment) -> str:
    micros = int(last.starts_at.timestamp()) * 1_000_000 + last.starts_at.microsecond
    return base64.urlsafe_b64encode(msgspec.json.encode((micros, last.appointment_id))).rstrip(b"=").decode()


def _position(cursor: str) -> tuple[datetime, UUID]:
    try:
        raw = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
        micros, appointment_id = msgspec.json.decode(raw, type=tuple[int, UUID])
        return datetime.fromtimestamp(micros / 1_000_000, UTC), appointment_id
    except (ValueError, OverflowError, OSError) as error:
        raise InvalidRequest("This cursor was not given by a previous page.", field="cursor") from error
