"""The port: everything the rest of the product may ask of scheduling.

Written as if the other side were remote. Every call may take as long as its deadline and may end in `OutcomeUnknown`;
no caller holds a database transaction open across one. Any call may raise, besides what its docstring names:
`InvalidRequest`, `Forbidden`, `BusinessNotFound`, `NotOwner` (writes; switched ports handle it), `Unavailable` and
`DeadlineExceeded`; any write also `KeyReused`, `KeyInProgress` and `OutcomeUnknown`. `errors.py` says what each means.
"""

from abc import ABC, abstractmethod
from typing import Protocol

from contracts.scheduling import models as m
from contracts.scheduling import operations as ops
from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import Operation, Q, R


class SchedulingPort(Protocol):
    def open_business(self, ctx: CallContext, request: m.OpenBusiness) -> m.Business:
        """Begin scheduling for the context's business on this side. Opening it again answers what stands."""

    def get_business(self, ctx: CallContext, request: m.GetBusiness) -> m.Business: ...

    def create_offering(self, ctx: CallContext, request: m.CreateOffering) -> m.Offering: ...

    def update_offering(self, ctx: CallContext, request: m.UpdateOffering) -> m.Offering:
        """Raises OfferingNotFound. Appointments already booked keep their times."""

    def list_offerings(self, ctx: CallContext, request: m.ListOfferings) -> m.Offerings:
        """All, inactive ones too, by name."""

    def create_provider(self, ctx: CallContext, request: m.CreateProvider) -> m.Provider: ...

    def update_provider(self, ctx: CallContext, request: m.UpdateProvider) -> m.Provider:
        """Raises ProviderNotFound."""

    def list_providers(self, ctx: CallContext, request: m.ListProviders) -> m.Providers:
        """All, inactive ones too, by name."""

    def assign_offerings(self, ctx: CallContext, request: m.AssignOfferings) -> m.Provider:
        """Raises ProviderNotFound, OfferingNotFound."""

    def set_weekly_hours(self, ctx: CallContext, request: m.SetWeeklyHours) -> m.Provider:
        """Raises ProviderNotFound."""

    def set_date_override(self, ctx: CallContext, request: m.SetDateOverride) -> m.DateOverride:
        """Raises ProviderNotFound."""

    def list_date_overrides(self, ctx: CallContext, request: m.ListDateOverrides) -> m.DateOverrides:
        """Raises ProviderNotFound."""

    def set_holidays(self, ctx: CallContext, request: m.SetHolidays) -> m.Holidays: ...

    def list_holidays(self, ctx: CallContext, request: m.ListHolidays) -> m.Holidays: ...

    def block_time(self, ctx: CallContext, request: m.BlockTime) -> m.Block:
        """Raises ProviderNotFound, ResourceNotFound."""

    def remove_block(self, ctx: CallContext, request: m.RemoveBlock) -> m.Block:
        """Answers the block as it stood. Raises BlockNotFound."""

    def list_blocks(self, ctx: CallContext, request: m.ListBlocks) -> m.BlockPage: ...

    def create_resource(self, ctx: CallContext, request: m.CreateResource) -> m.Resource: ...

    def update_resource(self, ctx: CallContext, request: m.UpdateResource) -> m.Resource:
        """Raises ResourceNotFound."""

    def list_resources(self, ctx: CallContext, request: m.ListResources) -> m.Resources:
        """All, inactive ones too, by kind, name."""

    def search_slots(self, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
        """What can be booked at the moment of asking, by the database's clock. Raises OfferingNotFound,
        ProviderNotFound."""

    def next_available(self, ctx: CallContext, request: m.NextAvailable) -> m.Slots:
        """By start, then provider. Raises OfferingNotFound, ProviderNotFound."""

    def get_overview(self, ctx: CallContext, request: m.GetOverview) -> m.Overview:
        """A day has room if search lists a start on it. Raises OfferingNotFound, ProviderNotFound."""

    def search_visits(self, ctx: CallContext, request: m.SearchVisits) -> m.VisitSlots:
        """Exactly what `book_visit` takes. Raises OfferingNotFound, ProviderNotFound."""

    def book(self, ctx: CallContext, request: m.Book) -> m.Appointment:
        """Raises SlotUnavailable, OfferingNotFound, ProviderNotFound; Forbidden when a customer books for another."""

    def hold(self, ctx: CallContext, request: m.Hold) -> m.Appointment:
        """Raises SlotUnavailable, OfferingNotFound, ProviderNotFound; Forbidden when a customer holds for another."""

    def confirm(self, ctx: CallContext, request: m.Confirm) -> m.Appointment:
        """Raises AppointmentNotFound, InvalidTransition (not a hold), HoldExpired."""

    def approve(self, ctx: CallContext, request: m.Approve) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition (not pending)."""

    def decline(self, ctx: CallContext, request: m.Decline) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition (not pending)."""

    def get_appointment(self, ctx: CallContext, request: m.GetAppointment) -> m.Appointment:
        """Raises AppointmentNotFound, also for another customer's."""

    def reschedule(self, ctx: CallContext, request: m.Reschedule) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition, PolicyRefused, SlotUnavailable,
        ProviderNotFound."""

    def cancel(self, ctx: CallContext, request: m.Cancel) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition (no longer active, or already begun
        for a customer), PolicyRefused. A hold is given back."""

    def complete(self, ctx: CallContext, request: m.Complete) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition (not booked, or not begun)."""

    def mark_no_show(self, ctx: CallContext, request: m.MarkNoShow) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition (not booked, or not begun)."""

    def get_history(self, ctx: CallContext, request: m.GetHistory) -> m.History:
        """Raises AppointmentNotFound, also for another customer's."""

    def book_series(self, ctx: CallContext, request: m.BookSeries) -> m.Series:
        """Raises SlotUnavailable (with `refuse`, for the first conflict; with `skip`, when nothing is left),
        OfferingNotFound, ProviderNotFound; Forbidden when a customer books for another."""

    def get_series(self, ctx: CallContext, request: m.GetSeries) -> m.Series:
        """Raises SeriesNotFound."""

    def reschedule_series(self, ctx: CallContext, request: m.RescheduleSeries) -> m.Series:
        """Answers what was moved. Raises SeriesNotFound, AppointmentNotFound, SlotUnavailable, InvalidTransition,
        PolicyRefused."""

    def cancel_series(self, ctx: CallContext, request: m.CancelSeries) -> m.Series:
        """Answers what was cancelled. Raises SeriesNotFound, AppointmentNotFound, InvalidTransition, PolicyRefused."""

    def book_visit(self, ctx: CallContext, request: m.BookVisit) -> m.Visit:
        """Raises SlotUnavailable, OfferingNotFound, ProviderNotFound; Forbidden when a customer books for another."""

    def join_waitlist(self, ctx: CallContext, request: m.JoinWaitlist) -> m.WaitlistEntry:
        """Makes an offer at once if something is free. Raises OfferingNotFound, ProviderNotFound; Forbidden when a
        customer joins for another."""

    def leave_waitlist(self, ctx: CallContext, request: m.LeaveWaitlist) -> m.WaitlistEntry:
        """Raises WaitlistEntryNotFound, InvalidTransition (neither waiting nor offered)."""

    def list_waitlist(self, ctx: CallContext, request: m.ListWaitlist) -> m.WaitlistPage: ...

    def settle(self, ctx: CallContext, request: m.Settle) -> m.Settled: ...

    def list_appointments(self, ctx: CallContext, request: m.ListAppointments) -> m.AppointmentPage: ...

    def get_agenda(self, ctx: CallContext, request: m.GetAgenda) -> m.Agenda:
        """Raises ProviderNotFound."""


class OneCallPort(ABC):
    """The port for implementations that treat every operation alike: they write `call`, and nothing else."""

    @abstractmethod
    def call(self, operation: Operation[Q, R], ctx: CallContext, request: Q) -> R:
        """Perform one operation."""

    def open_business(self, ctx: CallContext, request: m.OpenBusiness) -> m.Business:
        return self.call(ops.OPEN_BUSINESS, ctx, request)

    def get_business(self, ctx: CallContext, request: m.GetBusiness) -> m.Business:
        return self.call(ops.GET_BUSINESS, ctx, request)

    def create_offering(self, ctx: CallContext, request: m.CreateOffering) -> m.Offering:
        return self.call(ops.CREATE_OFFERING, ctx, request)

    def update_offering(self, ctx: CallContext, request: m.UpdateOffering) -> m.Offering:
        return self.call(ops.UPDATE_OFFERING, ctx, request)

    def list_offerings(self, ctx: CallContext, request: m.ListOfferings) -> m.Offerings:
        return self.call(ops.LIST_OFFERINGS, ctx, request)

    def create_provider(self, ctx: CallContext, request: m.CreateProvider) -> m.Provider:
        return self.call(ops.CREATE_PROVIDER, ctx, request)

    def update_provider(self, ctx: CallContext, request: m.UpdateProvider) -> m.Provider:
        return self.call(ops.UPDATE_PROVIDER, ctx, request)

    def list_providers(self, ctx: CallContext, request: m.ListProviders) -> m.Providers:
        return self.call(ops.LIST_PROVIDERS, ctx, request)

    def assign_offerings(self, ctx: CallContext, request: m.AssignOfferings) -> m.Provider:
        return self.call(ops.ASSIGN_OFFERINGS, ctx, request)

    def set_weekly_hours(self, ctx: CallContext, request: m.SetWeeklyHours) -> m.Provider:
        return self.call(ops.SET_WEEKLY_HOURS, ctx, request)

    def set_date_override(self, ctx: CallContext, request: m.SetDateOverride) -> m.DateOverride:
        return self.call(ops.SET_DATE_OVERRIDE, ctx, request)

    def list_date_overrides(self, ctx: CallContext, request: m.ListDateOverrides) -> m.DateOverrides:
        return self.call(ops.LIST_DATE_OVERRIDES, ctx, request)

    def set_holidays(self, ctx: CallContext, request: m.SetHolidays) -> m.Holidays:
        return self.call(ops.SET_HOLIDAYS, ctx, request)

    def list_holidays(self, ctx: CallContext, request: m.ListHolidays) -> m.Holidays:
        return self.call(ops.LIST_HOLIDAYS, ctx, request)

    def block_time(self, ctx: CallContext, request: m.BlockTime) -> m.Block:
        return self.call(ops.BLOCK_TIME, ctx, request)

    def remove_block(self, ctx: CallContext, request: m.RemoveBlock) -> m.Block:
        return self.call(ops.REMOVE_BLOCK, ctx, request)

    def list_blocks(self, ctx: CallContext, request: m.ListBlocks) -> m.BlockPage:
        return self.call(ops.LIST_BLOCKS, ctx, request)

    def create_resource(self, ctx: CallContext, request: m.CreateResource) -> m.Resource:
        return self.call(ops.CREATE_RESOURCE, ctx, request)

    def update_resource(self, ctx: CallContext, request: m.UpdateResource) -> m.Resource:
        return self.call(ops.UPDATE_RESOURCE, ctx, request)

    def list_resources(self, ctx: CallContext, request: m.ListResources) -> m.Resources:
        return self.call(ops.LIST_RESOURCES, ctx, request)

    def search_slots(self, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
        return self.call(ops.SEARCH_SLOTS, ctx, request)

    def next_available(self, ctx: CallContext, request: m.NextAvailable) -> m.Slots:
        return self.call(ops.NEXT_AVAILABLE, ctx, request)

    def get_overview(self, ctx: CallContext, request: m.GetOverview) -> m.Overview:
        return self.call(ops.GET_OVERVIEW, ctx, request)

    def search_visits(self, ctx: CallContext, request: m.SearchVisits) -> m.VisitSlots:
        return self.call(ops.SEARCH_VISITS, ctx, request)

    def book(self, ctx: CallContext, request: m.Book) -> m.Appointment:
        return self.call(ops.BOOK, ctx, request)

    def hold(self, ctx: CallContext, request: m.Hold) -> m.Appointment:
        return self.call(ops.HOLD, ctx, request)

    def confirm(self, ctx: CallContext, request: m.Confirm) -> m.Appointment:
        return self.call(ops.CONFIRM, ctx, request)

    def approve(self, ctx: CallContext, request: m.Approve) -> m.Appointment:
        return self.call(ops.APPROVE, ctx, request)

    def decline(self, ctx: CallContext, request: m.Decline) -> m.Appointment:
        return self.call(ops.DECLINE, ctx, request)

    def get_appointment(self, ctx: CallContext, request: m.GetAppointment) -> m.Appointment:
        return self.call(ops.GET_APPOINTMENT, ctx, request)

    def reschedule(self, ctx: CallContext, request: m.Reschedule) -> m.Appointment:
        return self.call(ops.RESCHEDULE, ctx, request)

    def cancel(self, ctx: CallContext, request: m.Cancel) -> m.Appointment:
        return self.call(ops.CANCEL, ctx, request)

    def complete(self, ctx: CallContext, request: m.Complete) -> m.Appointment:
        return self.call(ops.COMPLETE, ctx, request)

    def mark_no_show(self, ctx: CallContext, request: m.MarkNoShow) -> m.Appointment:
        return self.call(ops.MARK_NO_SHOW, ctx, request)

    def get_history(self, ctx: CallContext, request: m.GetHistory) -> m.History:
        return self.call(ops.GET_HISTORY, ctx, request)

    def book_series(self, ctx: CallContext, request: m.BookSeries) -> m.Series:
        return self.call(ops.BOOK_SERIES, ctx, request)

    def get_series(self, ctx: CallContext, request: m.GetSeries) -> m.Series:
        return self.call(ops.GET_SERIES, ctx, request)

    def reschedule_series(self, ctx: CallContext, request: m.RescheduleSeries) -> m.Series:
        return self.call(ops.RESCHEDULE_SERIES, ctx, request)

    def cancel_series(self, ctx: CallContext, request: m.CancelSeries) -> m.Series:
        return self.call(ops.CANCEL_SERIES, ctx, request)

    def book_visit(self, ctx: CallContext, request: m.BookVisit) -> m.Visit:
        return self.call(ops.BOOK_VISIT, ctx, request)

    def join_waitlist(self, ctx: CallContext, request: m.JoinWaitlist) -> m.WaitlistEntry:
        return self.call(ops.JOIN_WAITLIST, ctx, request)

    def leave_waitlist(self, ctx: CallContext, request: m.LeaveWaitlist) -> m.WaitlistEntry:
        return self.call(ops.LEAVE_WAITLIST, ctx, request)

    def list_waitlist(self, ctx: CallContext, request: m.ListWaitlist) -> m.WaitlistPage:
        return self.call(ops.LIST_WAITLIST, ctx, request)

    def settle(self, ctx: CallContext, request: m.Settle) -> m.Settled:
        return self.call(ops.SETTLE, ctx, request)

    def list_appointments(self, ctx: CallContext, request: m.ListAppointments) -> m.AppointmentPage:
        return self.call(ops.LIST_APPOINTMENTS, ctx, request)

    def get_agenda(self, ctx: CallContext, request: m.GetAgenda) -> m.Agenda:
        return self.call(ops.GET_AGENDA, ctx, request)
