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

    def search_slots(self, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
        """What can be booked at the moment of asking, by the database's clock. Raises OfferingNotFound,
        ProviderNotFound."""

    def book(self, ctx: CallContext, request: m.Book) -> m.Appointment:
        """Raises SlotUnavailable, OfferingNotFound, ProviderNotFound; Forbidden when a customer books for another."""

    def get_appointment(self, ctx: CallContext, request: m.GetAppointment) -> m.Appointment:
        """Raises AppointmentNotFound, also for another customer's."""

    def reschedule(self, ctx: CallContext, request: m.Reschedule) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition, SlotUnavailable, ProviderNotFound."""

    def cancel(self, ctx: CallContext, request: m.Cancel) -> m.Appointment:
        """Raises AppointmentNotFound, VersionConflict, InvalidTransition (already cancelled, or already begun for
        a customer)."""

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

    def search_slots(self, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
        return self.call(ops.SEARCH_SLOTS, ctx, request)

    def book(self, ctx: CallContext, request: m.Book) -> m.Appointment:
        return self.call(ops.BOOK, ctx, request)

    def get_appointment(self, ctx: CallContext, request: m.GetAppointment) -> m.Appointment:
        return self.call(ops.GET_APPOINTMENT, ctx, request)

    def reschedule(self, ctx: CallContext, request: m.Reschedule) -> m.Appointment:
        return self.call(ops.RESCHEDULE, ctx, request)

    def cancel(self, ctx: CallContext, request: m.Cancel) -> m.Appointment:
        return self.call(ops.CANCEL, ctx, request)

    def list_appointments(self, ctx: CallContext, request: m.ListAppointments) -> m.AppointmentPage:
        return self.call(ops.LIST_APPOINTMENTS, ctx, request)

    def get_agenda(self, ctx: CallContext, request: m.GetAgenda) -> m.Agenda:
        return self.call(ops.GET_AGENDA, ctx, request)
