"""The one table of operations. The service's routes, the HTTP adapter and the OpenAPI document are made from it.

Fields named in the path travel there; the others travel in the query of a GET, or in the JSON body.
"""

from typing import Any, Generic, Literal, TypeVar

from msgspec import Struct

from contracts.scheduling import models as m
from contracts.scheduling.context import ActorKind

Q = TypeVar("Q", bound=m.Request)
R = TypeVar("R", bound=m.Reply)

SYSTEM_ONLY: frozenset[ActorKind] = frozenset({"system"})
STAFF: frozenset[ActorKind] = SYSTEM_ONLY | {"staff"}
CUSTOMERS: frozenset[ActorKind] = STAFF | {"customer"}
EVERYONE: frozenset[ActorKind] = CUSTOMERS | {"anonymous"}


class Operation(Struct, Generic[Q, R], frozen=True, kw_only=True):
    """One operation of the port.

    `idempotent` says that repeating the call has one effect: reads by nature, writes by their key. Only then may a
    caller repeat it. `budget_ms` bounds one call when its context's deadline is later.
    """

    name: str
    method: Literal["GET", "POST", "PUT"]
    path: str
    request: type[Q]
    reply: type[R]
    actors: frozenset[ActorKind]
    budget_ms: int
    status: Literal[200, 201] = 200
    idempotent: bool = True

    @property
    def writes(self) -> bool:
        return self.method != "GET"


def _read(name: str, path: str, request: type[Q], reply: type[R], actors: frozenset[ActorKind]) -> Operation[Q, R]:
    return Operation(name=name, method="GET", path=path, request=request, reply=reply, actors=actors, budget_ms=2_000)


def _create(name: str, path: str, request: type[Q], reply: type[R], actors: frozenset[ActorKind]) -> Operation[Q, R]:
    return Operation(
        name=name,
        method="POST",
        path=path,
        request=request,
        reply=reply,
        actors=actors,
        budget_ms=5_000,
        status=201,
    )


def _change(
    name: str,
    method: Literal["POST", "PUT"],
    path: str,
    request: type[Q],
    reply: type[R],
    actors: frozenset[ActorKind],
) -> Operation[Q, R]:
    return Operation(name=name, method=method, path=path, request=request, reply=reply, actors=actors, budget_ms=5_000)


OPEN_BUSINESS = _change("open_business", "PUT", "/v1/business", m.OpenBusiness, m.Business, SYSTEM_ONLY)
GET_BUSINESS = _read("get_business", "/v1/business", m.GetBusiness, m.Business, EVERYONE)

CREATE_OFFERING = _create("create_offering", "/v1/offerings", m.CreateOffering, m.Offering, STAFF)
UPDATE_OFFERING = _change("update_offering", "PUT", "/v1/offerings/{offering_id}", m.UpdateOffering, m.Offering, STAFF)
LIST_OFFERINGS = _read("list_offerings", "/v1/offerings", m.ListOfferings, m.Offerings, EVERYONE)

CREATE_PROVIDER = _create("create_provider", "/v1/providers", m.CreateProvider, m.Provider, STAFF)
UPDATE_PROVIDER = _change("update_provider", "PUT", "/v1/providers/{provider_id}", m.UpdateProvider, m.Provider, STAFF)
LIST_PROVIDERS = _read("list_providers", "/v1/providers", m.ListProviders, m.Providers, EVERYONE)
ASSIGN_OFFERINGS = _change(
    "assign_offerings", "PUT", "/v1/providers/{provider_id}/offerings", m.AssignOfferings, m.Provider, STAFF
)
SET_WEEKLY_HOURS = _change(
    "set_weekly_hours", "PUT", "/v1/providers/{provider_id}/weekly-hours", m.SetWeeklyHours, m.Provider, STAFF
)

SEARCH_SLOTS = _read("search_slots", "/v1/slots", m.SearchSlots, m.Slots, EVERYONE)

BOOK = _create("book", "/v1/appointments", m.Book, m.Appointment, CUSTOMERS)
GET_APPOINTMENT = _read(
    "get_appointment", "/v1/appointments/{appointment_id}", m.GetAppointment, m.Appointment, CUSTOMERS
)
RESCHEDULE = _change(
    "reschedule",
    "POST",
    "/v1/appointments/{appointment_id}/reschedule",
    m.Reschedule,
    m.Appointment,
    CUSTOMERS,
)
CANCEL = _change("cancel", "POST", "/v1/appointments/{appointment_id}/cancel", m.Cancel, m.Appointment, CUSTOMERS)
LIST_APPOINTMENTS = _read("list_appointments", "/v1/appointments", m.ListAppointments, m.AppointmentPage, CUSTOMERS)
GET_AGENDA = _read("get_agenda", "/v1/providers/{provider_id}/agenda", m.GetAgenda, m.Agenda, STAFF)

OPERATIONS: tuple[Operation[Any, Any], ...] = (
    OPEN_BUSINESS,
    GET_BUSINESS,
    CREATE_OFFERING,
    UPDATE_OFFERING,
    LIST_OFFERINGS,
    CREATE_PROVIDER,
    UPDATE_PROVIDER,
    LIST_PROVIDERS,
    ASSIGN_OFFERINGS,
    SET_WEEKLY_HOURS,
    SEARCH_SLOTS,
    BOOK,
    GET_APPOINTMENT,
    RESCHEDULE,
    CANCEL,
    LIST_APPOINTMENTS,
    GET_AGENDA,
)
