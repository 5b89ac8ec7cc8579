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
        errors.PolicyRefused,
        errors.SlotUnavailable,
        errors.ProviderNotFound,
    ),
    operations.CANCEL.name: (
        errors.AppointmentNotFound,
        errors.VersionConflict,
        errors.InvalidTransition,
        errors.PolicyRefused,
    ),
    operations.SET_DATE_OVERRIDE.name: (errors.ProviderNotFound,),
    operations.LIST_DATE_OVERRIDES.name: (errors.ProviderNotFound,),
    operations.BLOCK_TIME.name: (
        errors.ProviderNotFound,
        errors.ResourceNotFound,
    ),
    operations.REMOVE_BLOCK.name: (errors.BlockNotFound,),
    operations.UPDATE_RESOURCE.name: (errors.ResourceNotFound,),
    operations.NEXT_AVAILABLE.name: (
        errors.OfferingNotFound,
        errors.ProviderNotFound,
    ),
    operations.GET_OVERVIEW.name: (
        errors.OfferingNotFound,
        errors.ProviderNotFound,
    ),
    operations.SEARCH_VISITS.name: (
        errors.OfferingNotFound,
        errors.ProviderNotFound,
    ),
    operations.HOLD.name: (
        errors.SlotUnavailable,
        errors.OfferingNotFound,
        errors.ProviderNotFound,
    ),
    operations.CONFIRM.name: (
        errors.AppointmentNotFound,
        errors.InvalidTransition,
        errors.HoldExpired,
    ),
    operations.APPROVE.name: (
        errors.AppointmentNotFound,
        errors.VersionConflict,
        errors.InvalidTransition,
    ),
    operations.DECLINE.name: (
        errors.AppointmentNotFound,
        errors.VersionConflict,
        errors.InvalidTransition,
    ),
    operations.COMPLETE.name: (
        errors.AppointmentNotFound,
        errors.VersionConflict,
        errors.InvalidTransition,
    ),
    operations.MARK_NO_SHOW.name: (
        errors.AppointmentNotFound,
        errors.VersionConflict,
        errors.InvalidTransition,
    ),
    operations.GET_HISTORY.name: (errors.AppointmentNotFound,),
    operations.BOOK_SERIES.name: (
        errors.SlotUnavailable,
        errors.OfferingNotFound,
        errors.ProviderNotFound,
    ),
    operations.GET_SERIES.name: (errors.SeriesNotFound,),
    operations.RESCHEDULE_SERIES.name: (
        errors.SeriesNotFound,
        errors.AppointmentNotFound,
        errors.SlotUnavailable,
        errors.InvalidTransition,
        errors.PolicyRefused,
    ),
    operations.CANCEL_SERIES.name: (
        errors.SeriesNotFound,
        errors.AppointmentNotFound,
        errors.InvalidTransition,
        errors.PolicyRefused,
    ),
    operations.BOOK_VISIT.name: (
        errors.SlotUnavailable,
        errors.OfferingNotFound,
        errors.ProviderNotFound,
    ),
    operations.JOIN_WAITLIST.name: (
        errors.OfferingNotFound,
        errors.ProviderNotFound,
    ),
    operations.LEAVE_WAITLIST.name: (
        errors.WaitlistEntryNotFound,
        errors.InvalidTransition,
    ),
    operations.GET_AGENDA.name: (errors.ProviderNotFound,),
}


def errors_of(operation: AnyOperation) -> Errors:
    """Every error that the operation may end in, by status, then code."""
    every = {*ANY_CALL, *OWN.get(operation.name, ()), *(ANY_WRITE if operation.writes else ())}
    return tuple(sorted(every, key=lambda error: (error.status, error.code)))
