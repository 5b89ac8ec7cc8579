"""Which errors each operation may end in: what `port.py` says in words, as a table."""

from typing import Any

from contracts.scheduling import errors, operations
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.operations import Operation

AnyOperation = Operation[Any, Any]
Errors = tuple[type[SchedulingError], ...]

ANY_CALL: Errors = (
    errors.InvalidRequest,
    errors.Unauthenticated,
    errors.Forbidden,
    errors.BusinessNotFound,
    errors.Unavailable,
    errors.DeadlineExceeded,
)
ANY_WRITE: Errors = (errors.NotOwner, errors.KeyReused, errors.KeyInProgress, errors.OutcomeUnknown)
OWN: dict[str, Errors] = {
    operations.UPDATE_OFFERING.name: (errors.OfferingNotFound,),
    operations.UPDATE_PROVIDER.name: (errors.ProviderNotFound,),
    operations.ASSIGN_OFFERINGS.name: (errors.ProviderNotFound, errors.OfferingNotFound),
    operations.SET_WEEKLY_HOURS.name: (errors.ProviderNotFound,),
    operations.SEARCH_SLOTS.name: (errors.OfferingNotFound, errors.ProviderNotFound),
    operations.BOOK.name: (errors.SlotUnavailable, errors.OfferingNotFound, errors.ProviderNotFound),
    operations.GET_APPOINTMENT.name: (errors.AppointmentNotFound,),
    operations.RESCHEDULE.name: (
        errors.AppointmentNotFound,
        errors.VersionConflict,
        errors.InvalidTransition,
        errors.SlotUnavailable,
        errors.ProviderNotFound,
    ),
    operations.CANCEL.name: (errors.AppointmentNotFound, errors.VersionConflict, errors.InvalidTransition),
    operations.GET_AGENDA.name: (errors.ProviderNotFound,),
}


def errors_of(operation: AnyOperation) -> Errors:
    """Every error that the operation may end in, by status, then code."""
    every = {*ANY_CALL, *OWN.get(operation.name, ()), *(ANY_WRITE if operation.writes else ())}
    return tuple(sorted(every, key=lambda error: (error.status, error.code)))
