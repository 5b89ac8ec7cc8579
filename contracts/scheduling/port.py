# The typed methods have no bodies; their decorator implements them.
# mypy: disable-error-code="empty-body"
"""The port: everything the rest of the product can request from scheduling.

It is written as if the implementation were remote: every call may take until its deadline and may end in
`OutcomeUnknown`, and no caller holds a database transaction open across a call. `errors.py` explains the errors.
"""

from contracts.scheduling import errors as e
from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.operations import (
    CUSTOMERS,
    EVERYONE,
    STAFF,
    SYSTEM_ONLY,
    AnyOperation,
    Port,
    declared_operations,
    operation,
)

SEARCH = (e.OfferingNotFound, e.ProviderNotFound)
BOOKING = (e.SlotUnavailable, e.OfferingNotFound, e.ProviderNotFound)
CONFIRMATION = (e.AppointmentNotFound, e.InvalidTransition, e.HoldExpired)
TRANSITION = (e.AppointmentNotFound, e.VersionConflict, e.InvalidTransition)
RESCHEDULING = (*TRANSITION, e.PolicyRefused, e.SlotUnavailable, e.ProviderNotFound)
SERIES_CHANGE = (e.SeriesNotFound, e.AppointmentNotFound, e.InvalidTransition, e.PolicyRefused)


class SchedulingPort(Port):
    """The scheduling API. An implementation defines `call`; each typed method checks its arguments and delegates to it.

    A method is declared by its signature, its docstring (the API documentation) and `operation`: HTTP method, path,
    the actors that may call it, and the errors that it raises in addition to those of any call.
    """

    @operation("PUT", "/v1/business", SYSTEM_ONLY)
    def open_business(self, ctx: CallContext, request: m.OpenBusiness) -> m.Business:
        """Open a business for scheduling.

        Opening it again changes nothing and returns the business."""

    @operation("PUT", "/v1/business/profile", SYSTEM_ONLY)
    def update_business(self, ctx: CallContext, request: m.UpdateBusiness) -> m.Business:
        """Change the name and the time zone of the business."""

    @operation("GET", "/v1/business", EVERYONE)
    def get_business(self, ctx: CallContext, request: m.GetBusiness) -> m.Business:
        """Return the business."""

    @operation("POST", "/v1/offerings", STAFF, status=201)
    def create_offering(self, ctx: CallContext, request: m.CreateOffering) -> m.Offering:
        """Add an offering."""

    @operation("PUT", "/v1/offerings/{offering_id}", STAFF, e.OfferingNotFound)
    def update_offering(self, ctx: CallContext, request: m.UpdateOffering) -> m.Offering:
        """Replace an offering."""

    @operation("GET", "/v1/offerings", EVERYONE)
    def list_offerings(self, ctx: CallContext, request: m.ListOfferings) -> m.Offerings:
        """List the offerings, including inactive ones."""

    @operation("POST", "/v1/providers", STAFF, status=201)
    def create_provider(self, ctx: CallContext, request: m.CreateProvider) -> m.Provider:
        """Add a provider."""

    @operation("PUT", "/v1/providers/{provider_id}", STAFF, e.ProviderNotFound)
    def update_provider(self, ctx: CallContext, request: m.UpdateProvider) -> m.Provider:
        """Replace a provider."""

    @operation("GET", "/v1/providers", EVERYONE)
    def list_providers(self, ctx: CallContext, request: m.ListProviders) -> m.Providers:
        """List the providers, including inactive ones."""

    @operation("PUT", "/v1/providers/{provider_id}/offerings", STAFF, e.ProviderNotFound, e.OfferingNotFound)
    def assign_offerings(self, ctx: CallContext, request: m.AssignOfferings) -> m.Provider:
        """Set the offerings that a provider performs."""

    @operation("PUT", "/v1/providers/{provider_id}/weekly-hours", STAFF, e.ProviderNotFound)
    def set_weekly_hours(self, ctx: CallContext, request: m.SetWeeklyHours) -> m.Provider:
        """Set a provider's weekly hours, in general or between two dates."""

    @operation("PUT", "/v1/providers/{provider_id}/overrides/{date}", STAFF, e.ProviderNotFound)
    def set_date_override(self, ctx: CallContext, request: m.SetDateOverride) -> m.DateOverride:
        """Set a provider's hours on one date."""

    @operation("GET", "/v1/providers/{provider_id}/overrides", STAFF, e.ProviderNotFound)
    def list_date_overrides(self, ctx: CallContext, request: m.ListDateOverrides) -> m.DateOverrides:
        """List the dates on which a provider's hours differ from the week."""

    @operation("PUT", "/v1/holidays", STAFF)
    def set_holidays(self, ctx: CallContext, request: m.SetHolidays) -> m.Holidays:
        """Set the holidays of the business."""

    @operation("GET", "/v1/holidays", EVERYONE)
    def list_holidays(self, ctx: CallContext, request: m.ListHolidays) -> m.Holidays:
        """List the holidays of the business."""

    @operation("POST", "/v1/blocks", STAFF, e.ProviderNotFound, e.ResourceNotFound, status=201)
    def block_time(self, ctx: CallContext, request: m.BlockTime) -> m.Block:
        """Block time of a provider, a resource or the whole business."""

    @operation("POST", "/v1/blocks/{block_id}/remove", STAFF, e.BlockNotFound)
    def remove_block(self, ctx: CallContext, request: m.RemoveBlock) -> m.Block:
        """Remove a block and return it."""

    @operation("GET", "/v1/blocks", STAFF)
    def list_blocks(self, ctx: CallContext, request: m.ListBlocks) -> m.BlockPage:
        """List the blocks in a window."""

    @operation("POST", "/v1/resources", STAFF, status=201)
    def create_resource(self, ctx: CallContext, request: m.CreateResource) -> m.Resource:
        """Add a resource, such as a room or a device."""

    @operation("PUT", "/v1/resources/{resource_id}", STAFF, e.ResourceNotFound)
    def update_resource(self, ctx: CallContext, request: m.UpdateResource) -> m.Resource:
        """Replace a resource."""

    @operation("GET", "/v1/resources", STAFF)
    def list_resources(self, ctx: CallContext, request: m.ListResources) -> m.Resources:
        """List the resources, including inactive ones."""

    @operation("GET", "/v1/slots", EVERYONE, *SEARCH)
    def search_slots(self, ctx: CallContext, request: m.SearchSlots) -> m.Slots:
        """Search the free start times of an offering.

        The reply lists exactly what can be booked now, by the database's clock. If the search is too long, the reply is
        capped: `next_start` says up to where it is complete."""

    @operation("GET", "/v1/slots/next", EVERYONE, *SEARCH)
    def next_available(self, ctx: CallContext, request: m.NextAvailable) -> m.Slots:
        """Search the next free start times of an offering.

        The reply may be capped, as with `search_slots`, before `limit` start times are found."""

    @operation("GET", "/v1/overview", EVERYONE, *SEARCH)
    def get_overview(self, ctx: CallContext, request: m.GetOverview) -> m.Overview:
        """Return which days have a free start time for an offering.

        A day has room if `search_slots` lists a start time on it. If the request is too long, the reply is capped:
        `next_first` is the first day that is missing."""

    @operation("GET", "/v1/visits/slots", EVERYONE, *SEARCH)
    def search_visits(self, ctx: CallContext, request: m.SearchVisits) -> m.VisitSlots:
        """Search the start times at which several offerings can follow one another.

        The reply lists exactly what `book_visit` accepts. It may be capped, as with `search_slots`."""

    @operation("POST", "/v1/appointments", CUSTOMERS, *BOOKING, status=201)
    def book(self, ctx: CallContext, request: m.Book) -> m.Appointment:
        """Book an appointment.

        Raises Forbidden if a customer books for another customer."""

    @operation("POST", "/v1/holds", CUSTOMERS, *BOOKING, status=201)
    def hold(self, ctx: CallContext, request: m.Hold) -> m.Appointment:
        """Hold a slot during a checkout.

        Raises Forbidden if a customer holds for another customer."""

    @operation("POST", "/v1/appointments/{appointment_id}/extend", CUSTOMERS, *CONFIRMATION)
    def extend_hold(self, ctx: CallContext, request: m.ExtendHold) -> m.Appointment:
        """Extend a hold.

        Raises InvalidTransition if the appointment is not a hold, or if the hold cannot be extended further."""

    @operation("POST", "/v1/appointments/{appointment_id}/confirm", CUSTOMERS, *CONFIRMATION)
    def confirm(self, ctx: CallContext, request: m.Confirm) -> m.Appointment:
        """Confirm a held slot.

        Raises InvalidTransition if the appointment is not a hold."""

    @operation("POST", "/v1/appointments/{appointment_id}/approve", STAFF, *TRANSITION)
    def approve(self, ctx: CallContext, request: m.Approve) -> m.Appointment:
        """Approve a pending appointment.

        Raises InvalidTransition if the appointment is not pending."""

    @operation("POST", "/v1/appointments/{appointment_id}/decline", STAFF, *TRANSITION)
    def decline(self, ctx: CallContext, request: m.Decline) -> m.Appointment:
        """Decline a pending appointment.

        Raises InvalidTransition if the appointment is not pending."""

    @operation("GET", "/v1/appointments/{appointment_id}", CUSTOMERS, e.AppointmentNotFound)
    def get_appointment(self, ctx: CallContext, request: m.GetAppointment) -> m.Appointment:
        """Return an appointment.

        Raises AppointmentNotFound also for another customer's appointment."""

    @operation("POST", "/v1/appointments/{appointment_id}/reschedule", CUSTOMERS, *RESCHEDULING)
    def reschedule(self, ctx: CallContext, request: m.Reschedule) -> m.Appointment:
        """Move an appointment to another time."""

    @operation("POST", "/v1/appointments/{appointment_id}/cancel", CUSTOMERS, *TRANSITION, e.PolicyRefused)
    def cancel(self, ctx: CallContext, request: m.Cancel) -> m.Appointment:
        """Cancel an appointment, or release a hold.

        Raises InvalidTransition if the appointment is no longer active or, for customers, has already begun."""

    @operation("POST", "/v1/appointments/{appointment_id}/complete", STAFF, *TRANSITION)
    def complete(self, ctx: CallContext, request: m.Complete) -> m.Appointment:
        """Mark an appointment as completed.

        Raises InvalidTransition if the appointment is not booked or has not begun."""

    @operation("POST", "/v1/appointments/{appointment_id}/no-show", STAFF, *TRANSITION)
    def mark_no_show(self, ctx: CallContext, request: m.MarkNoShow) -> m.Appointment:
        """Mark an appointment as a no-show.

        Raises InvalidTransition if the appointment is not booked or has not begun."""

    @operation("GET", "/v1/appointments/{appointment_id}/history", CUSTOMERS, e.AppointmentNotFound)
    def get_history(self, ctx: CallContext, request: m.GetHistory) -> m.History:
        """Return the history of an appointment.

        Raises AppointmentNotFound also for another customer's appointment."""

    @operation("POST", "/v1/series", CUSTOMERS, *BOOKING, status=201)
    def book_series(self, ctx: CallContext, request: m.BookSeries) -> m.Series:
        """Book a recurring appointment.

        Raises SlotUnavailable for the first conflict with `refuse`, and if no occurrence is left with `skip`; its
        `starts_at` is the occurrence at fault. Raises Forbidden if a customer books for another customer."""

    @operation("GET", "/v1/series/{series_id}", CUSTOMERS, e.SeriesNotFound)
    def get_series(self, ctx: CallContext, request: m.GetSeries) -> m.Series:
        """Return the appointments of a series."""

    @operation("POST", "/v1/series/{series_id}/reschedule", CUSTOMERS, *SERIES_CHANGE, e.SlotUnavailable)
    def reschedule_series(self, ctx: CallContext, request: m.RescheduleSeries) -> m.Series:
        """Move an appointment of a series and all that follow, and return them."""

    @operation("POST", "/v1/series/{series_id}/cancel", CUSTOMERS, *SERIES_CHANGE)
    def cancel_series(self, ctx: CallContext, request: m.CancelSeries) -> m.Series:
        """Cancel an appointment of a series and all that follow, and return them."""

    @operation("POST", "/v1/visits", CUSTOMERS, *BOOKING, status=201)
    def book_visit(self, ctx: CallContext, request: m.BookVisit) -> m.Visit:
        """Book several offerings, one after the other.

        Raises Forbidden if a customer books for another customer."""

    @operation("POST", "/v1/waitlist", CUSTOMERS, *SEARCH, status=201)
    def join_waitlist(self, ctx: CallContext, request: m.JoinWaitlist) -> m.WaitlistEntry:
        """Join the waitlist of an offering.

        Makes an offer at once if a slot is free. Raises Forbidden if a customer joins for another customer."""

    @operation("POST", "/v1/waitlist/{entry_id}/leave", CUSTOMERS, e.WaitlistEntryNotFound, e.InvalidTransition)
    def leave_waitlist(self, ctx: CallContext, request: m.LeaveWaitlist) -> m.WaitlistEntry:
        """Leave the waitlist, or release the slot that was offered.

        Raises InvalidTransition if the entry is neither waiting nor offered."""

    @operation("GET", "/v1/waitlist", CUSTOMERS)
    def list_waitlist(self, ctx: CallContext, request: m.ListWaitlist) -> m.WaitlistPage:
        """List the waitlist."""

    @operation("POST", "/v1/settle", SYSTEM_ONLY)
    def settle(self, ctx: CallContext, request: m.Settle) -> m.Settled:
        """Expire overdue holds and offer free slots to the waitlist."""

    @operation("GET", "/v1/appointments", CUSTOMERS)
    def list_appointments(self, ctx: CallContext, request: m.ListAppointments) -> m.AppointmentPage:
        """List appointments by start time."""

    @operation("GET", "/v1/providers/{provider_id}/agenda", STAFF, e.ProviderNotFound)
    def get_agenda(self, ctx: CallContext, request: m.GetAgenda) -> m.Agenda:
        """Return a provider's active appointments in a window."""


OPERATIONS: tuple[AnyOperation, ...] = declared_operations(SchedulingPort)
"""Every operation, in the order of its declaration."""
