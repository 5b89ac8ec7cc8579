"""Reads of the business and its appointments."""

from msgspec.structs import replace

from contracts.scheduling import models as m
from contracts.scheduling.errors import AppointmentNotFound, BusinessNotFound, Forbidden, ProviderNotFound
from scheduling_service.engine.cursors import decode_cursor, encode_cursor
from scheduling_service.engine.read_transaction import Read
from scheduling_service.engine.store import appointments as store
from scheduling_service.engine.store import catalog, history


def get_business(read: Read, _: m.GetBusiness) -> m.Business:
    found = catalog.read_business(read.db, read.business_id)
    if found is None:
        raise BusinessNotFound("There is no such business.")
    name, zone, _version, epoch = found
    return m.Business(business_id=read.business_id, name=name, zone=zone, epoch=epoch)


def get_appointment(read: Read, request: m.GetAppointment) -> m.Appointment:
    """Return an appointment. For a customer, another customer's appointment does not exist."""
    found = store.read_appointment(read.db, read.business_id, request.appointment_id)
    if found is None or (read.actor.kind == "customer" and found.customer_id != read.actor.id):
        raise AppointmentNotFound("There is no such appointment.")
    return found


def get_history(read: Read, request: m.GetHistory) -> m.History:
    """Return the history of an appointment that the actor may see. Customers do not see the reasons of staff."""
    get_appointment(read, m.GetAppointment(appointment_id=request.appointment_id))
    changes = history.read_history(read.db, read.business_id, request.appointment_id)
    if read.actor.kind == "customer":
        changes = [replace(each, reason="") for each in changes]
    return m.History(changes=tuple(changes))


def list_appointments(read: Read, request: m.ListAppointments) -> m.AppointmentPage:
    """Return a page of appointments, sorted by start. Customers see only their own."""
    customer_id = request.customer_id
    if read.actor.kind == "customer":
        if customer_id not in (None, read.actor.id):
            raise Forbidden("Customers can only see their own appointments.")
        customer_id = read.actor.id
    found = store.read_page(
        read.db,
        read.business_id,
        {
            "customer_id": customer_id,
            "provider_id": request.provider_id,
            "status": request.status,
            "series_id": request.series_id,
            "visit_id": request.visit_id,
        },
        statuses=request.statuses,
        start=request.start,
        end=request.end,
        after=decode_cursor(request.cursor) if request.cursor else None,
        limit=request.limit + 1,
    )
    page, more = found[: request.limit], len(found) > request.limit
    next_cursor = encode_cursor(page[-1].starts_at, page[-1].appointment_id) if more else None
    return m.AppointmentPage(appointments=tuple(page), next_cursor=next_cursor)


def get_agenda(read: Read, request: m.GetAgenda) -> m.Agenda:
    """Return the active appointments that occupy a provider's time."""
    zone = catalog.read_provider_zone(read.db, read.business_id, request.provider_id)
    if zone is None:
        raise ProviderNotFound("This business has no such provider.")
    appointments = store.read_agenda(read.db, read.business_id, request.provider_id, request.start, request.end)
    return m.Agenda(provider_id=request.provider_id, zone=zone, appointments=tuple(appointments))
