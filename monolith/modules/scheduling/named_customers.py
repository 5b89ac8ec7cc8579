"""Replies for staff, with the names of customers, which scheduling does not know."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeAlias
from uuid import UUID

from contracts.scheduling import models as m
from contracts.scheduling.operations import AnyOperation

CustomerNames: TypeAlias = Callable[[UUID, Collection[UUID]], Mapping[UUID, str]]
"""Returns the names of a business's customers by id. Unknown ids are left out."""


class NamedAppointment(m.Appointment, frozen=True):
    """An appointment, with the name of its customer for staff."""

    customer_name: str | None = None
    """Null for callers other than staff, and for a customer that the business does not know."""


class NamedAppointmentPage(m.Reply, frozen=True):
    """One page of appointments."""

    appointments: tuple[NamedAppointment, ...]
    next_cursor: str | None = None
    """Null on the last page."""


class NamedAgenda(m.Reply, frozen=True):
    """The active appointments of a provider, by start. `zone` is the provider's."""

    provider_id: UUID
    zone: str
    appointments: tuple[NamedAppointment, ...]


def public_reply(operation: AnyOperation) -> type[m.Reply]:
    """Return the model of an endpoint's reply."""
    named: dict[str, type[m.Reply]] = {
        "get_appointment": NamedAppointment,
        "list_appointments": NamedAppointmentPage,
        "get_agenda": NamedAgenda,
    }
    return named.get(operation.name, operation.reply)


def name_customers(reply: m.Reply, names: Callable[[Collection[UUID]], Mapping[UUID, str]]) -> m.Reply:
    """Return the reply of a read in its public model; `names` is called once."""
    match reply:
        case m.Appointment():
            return _named(reply, names({reply.customer_id}))
        case m.AppointmentPage():
            page = _all_named(reply.appointments, names)
            return NamedAppointmentPage(appointments=page, next_cursor=reply.next_cursor)
        case m.Agenda():
            agenda = _all_named(reply.appointments, names)
            return NamedAgenda(provider_id=reply.provider_id, zone=reply.zone, appointments=agenda)
    return reply


def unnamed(_: Collection[UUID]) -> Mapping[UUID, str]:
    """Return no names, for callers who are not staff."""
    return {}


def _all_named(
    appointments: Collection[m.Appointment], names: Callable[[Collection[UUID]], Mapping[UUID, str]]
) -> tuple[NamedAppointment, ...]:
    known = names({each.customer_id for each in appointments})
    return tuple(_named(each, known) for each in appointments)


def _named(appointment: m.Appointment, names: Mapping[UUID, str]) -> NamedAppointment:
    fields: dict[str, Any] = {name: getattr(appointment, name) for name in m.Appointment.__struct_fields__}
    return NamedAppointment(**fields, customer_name=names.get(appointment.customer_id))
