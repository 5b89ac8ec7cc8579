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
SET_DATE_OVERRIDE = _change(
    "set_date_override", "PUT", "/v1/providers/{provider_id}/overrides/{date}", m.SetDateOverride, m.DateOverride, STAFF
)
LIST_DATE_OVERRIDES = _read(
    "list_date_overrides", "/v1/providers/{provider_id}/overrides", m.ListDateOverrides, m.DateOverrides, STAFF
)
SET_HOLIDAYS = _change("set_holidays", "PUT", "/v1/holidays", m.SetHolidays, m.Holidays, STAFF)
LIST_HOLIDAYS = _read("list_holidays", "/v1/holidays", m.ListHolidays, m.Holidays, EVERYONE)
BLOCK_TIME = _create("block_time", "/v1/blocks", m.BlockTime, m.Block, STAFF)
REMOVE_BLOCK = _change("remove_block", "POST", "/v1/blocks/{block_id}/remove", m.RemoveBlock, m.Block, STAFF)
LIST_BLOCKS = _read("list_blocks", "/v1/blocks", m.ListBlocks, m.BlockPage, STAFF)
CREATE_RESOURCE = _create("create_resource", "/v1/resources", m.CreateResource, m.Resource, STAFF)
UPDATE_RESOURCE = _change("update_resource", "PUT", "/v1/resources/{resource_id}", m.UpdateResource, m.Resource, STAFF)
LIST_RESOURCES = _read("list_resources", "/v1/resources", m.ListResources, m.Resources, STAFF)

SEARCH_SLOTS = _read("search_slots", "/v1/slots", m.SearchSlots, m.Slots, EVERYONE)
NEXT_AVAILABLE = _read("next_available", "/v1/slots/next", m.NextAvailable, m.Slots, EVERYONE)
GET_OVERVIEW = _read("get_overview", "/v1/overview", m.GetOverview, m.Overview, EVERYONE)
SEARCH_VISITS = _read("search_visits", "/v1/visits/slots", m.SearchVisits, m.VisitSlots, EVERYONE)

BOOK = _create("book", "/v1/appointments", m.Book, m.Appointment, CUSTOMERS)
HOLD = _create("hold", "/v1/holds", m.Hold, m.Appointment, CUSTOMERS)
CONFIRM = _change("confirm", "POST", "/v1/appointments/{appointment_id}/confirm", m.Confirm, m.Appointment, CUSTOMERS)
APPROVE = _change("approve", "POST", "/v1/appointments/{appointment_id}/approve", m.Approve, m.Appointment, STAFF)
DECLINE = _change("decline", "POST", "/v1/appointments/{appointment_id}/decline", m.Decline, m.Appointment, STAFF)
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
COMPLETE = _change("complete", "POST", "/v1/appointments/{appointment_id}/complete", m.Complete, m.Appointment, STAFF)
MARK_NO_SHOW = _change(
    "mark_no_show", "POST", "/v1/appointments/{appointment_id}/no-show", m.MarkNoShow, m.Appointment, STAFF
)
GET_HISTORY = _read("get_history", "/v1/appointments/{appointment_id}/history", m.GetHistory, m.History, CUSTOMERS)
BOOK_SERIES = _create("book_series", "/v1/series", m.BookSeries, m.Series, CUSTOMERS)
GET_SERIES = _read("get_series", "/v1/series/{series_id}", m.GetSeries, m.Series, CUSTOMERS)
RESCHEDULE_SERIES = _change(
    "reschedule_series", "POST", "/v1/series/{series_id}/reschedule", m.RescheduleSeries, m.Series, CUSTOMERS
)
CANCEL_SERIES = _change("cancel_series", "POST", "/v1/series/{series_id}/cancel", m.CancelSeries, m.Series, CUSTOMERS)
BOOK_VISIT = _create("book_visit", "/v1/visits", m.BookVisit, m.Visit, CUSTOMERS)
JOIN_WAITLIST = _create("join_waitlist", "/v1/waitlist", m.JoinWaitlist, m.WaitlistEntry, CUSTOMERS)
LEAVE_WAITLIST = _change(
    "leave_waitlist", "POST", "/v1/waitlist/{entry_id}/leave", m.LeaveWaitlist, m.WaitlistEntry, CUSTOMERS
)
LIST_WAITLIST = _read("list_waitlist", "/v1/waitlist", m.ListWaitlist, m.WaitlistPage, CUSTOMERS)
SETTLE = _change("settle", "POST", "/v1/settle", m.Settle, m.Settled, SYSTEM_ONLY)
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
    SET_DATE_OVERRIDE,
    LIST_DATE_OVERRIDES,
    SET_HOLIDAYS,
    LIST_HOLIDAYS,
    BLOCK_TIME,
    REMOVE_BLOCK,
    LIST_BLOCKS,
    CREATE_RESOURCE,
    UPDATE_RESOURCE,
    LIST_RESOURCES,
    SEARCH_SLOTS,
    NEXT_AVAILABLE,
    GET_OVERVIEW,
    SEARCH_VISITS,
    BOOK,
    HOLD,
    CONFIRM,
    APPROVE,
    DECLINE,
    GET_APPOINTMENT,
    RESCHEDULE,
    CANCEL,
    COMPLETE,
    MARK_NO_SHOW,
    GET_HISTORY,
    BOOK_SERIES,
    GET_SERIES,
    RESCHEDULE_SERIES,
    CANCEL_SERIES,
    BOOK_VISIT,
    JOIN_WAITLIST,
    LEAVE_WAITLIST,
    LIST_WAITLIST,
    SETTLE,
    LIST_APPOINTMENTS,
    GET_AGENDA,
)
