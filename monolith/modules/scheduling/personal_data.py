"""The export of what a business has stored about one of its customers."""

from uuid import UUID

import msgspec
from msgspec import Struct

from contracts.scheduling import models as m
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi, Customer
from monolith.modules.billing.api import BillingApi, Invoice, InvoicesQuery
from monolith.modules.notifications.api import NotificationsApi, Preferences
from monolith.modules.scheduling.routes import call_context
from monolith.shared.endpoints import Access, AnyEndpoint, Call, Endpoint
from monolith.shared.endpoints.errors import forbidden

_PAGE = 200


class PersonalData(Struct, frozen=True, kw_only=True):
    """The data that a business has stored about a customer. E-mails repeat it and are not included."""

    customer: Customer
    """Contact, and the note of the staff."""
    preferences: Preferences
    """The e-mails that the customer receives."""
    appointments: tuple[m.Appointment, ...]
    waitlist: tuple[m.WaitlistEntry, ...]
    """The customer's places on waitlists."""
    invoices: tuple[Invoice, ...]
    """Invoices with credit notes and payments, newest first."""


def personal_data_endpoints(
    port: SchedulingPort, auth: AuthApi, billing: BillingApi, notifications: NotificationsApi
) -> list[AnyEndpoint]:
    export = _Export(port, auth, billing, notifications)
    return [
        Endpoint(
            module="scheduling", name="export_customer", method="GET",
            path="/businesses/{slug}/customers/{customer_id}/data", access=Access.MEMBER, handler=export.export,
            reply=PersonalData, errors=[(404, "not_found")],
            summary="Export what the business has stored about a customer; customers export their own data",
        ),
    ]  # fmt: skip


class _Export:
    """Reads one module after the other: the result is no snapshot."""

    def __init__(
        self, port: SchedulingPort, auth: AuthApi, billing: BillingApi, notifications: NotificationsApi
    ) -> None:
        self._port = port
        self._auth = auth
        self._billing = billing
        self._notifications = notifications

    def export(self, call: Call[None]) -> PersonalData:
        business_id = call.require_business().business_id
        customer_id = call.id_in_path("customer_id", "customer")
        principal = call.require_principal()
        if principal.role_in(business_id) == "customer" and principal.user_id != customer_id:
            raise forbidden("Customers can only export their own data.")
        return PersonalData(
            customer=self._auth.customer(business_id, customer_id),
            preferences=self._notifications.preferences(business_id, customer_id),
            appointments=tuple(self._appointments(call, customer_id)),
            waitlist=tuple(self._waitlist(call, customer_id)),
            invoices=tuple(self._invoices(business_id, customer_id)),
        )

    def _appointments(self, call: Call[None], customer_id: UUID) -> list[m.Appointment]:
        wanted, found = m.ListAppointments(customer_id=customer_id, limit=_PAGE), list[m.Appointment]()
        while True:
            page = self._port.list_appointments(call_context(call), wanted)
            found += page.appointments
            if page.next_cursor is None:
                return found
            wanted = msgspec.structs.replace(wanted, cursor=page.next_cursor)

    def _waitlist(self, call: Call[None], customer_id: UUID) -> list[m.WaitlistEntry]:
        wanted, found = m.ListWaitlist(limit=_PAGE), list[m.WaitlistEntry]()
        while True:
            page = self._port.list_waitlist(call_context(call), wanted)
            found += [each for each in page.entries if each.customer_id == customer_id]
            if page.next_cursor is None:
                return found
            wanted = msgspec.structs.replace(wanted, cursor=page.next_cursor)

    def _invoices(self, business_id: UUID, customer_id: UUID) -> list[Invoice]:
        wanted, numbers = InvoicesQuery(customer_id=customer_id, limit=_PAGE), list[int]()
        while True:
            page = self._billing.invoices(business_id, wanted)
            numbers += [each.number for each in page.invoices]
            if page.next_cursor is None:
                return [self._billing.invoice(business_id, number) for number in numbers]
            wanted = msgspec.structs.replace(wanted, cursor=page.next_cursor)
