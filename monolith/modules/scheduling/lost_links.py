"""Finds the page of an appointment whose link was lost, by its reference and the customer's e-mail address."""

from uuid import UUID

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling.context import Actor, CallContext
from contracts.scheduling.models import Appointment, ListAppointments
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi, FoundLink
from monolith.shared.customer_links import CustomerLinks, manage_url, reference_of

_MOST_CUSTOMERS = 50
"""A guest is another customer with each booking."""
_MOST_APPOINTMENTS = 200
_SECONDS = 10.0


class LostLinks:
    """For the worker: a page that searched by itself would reveal by its answer or its time what it has found."""

    def __init__(self, port: SchedulingPort, auth: AuthApi, links: CustomerLinks, public_url: str) -> None:
        self._port = port
        self._auth = auth
        self._links = links
        self._public_url = public_url

    def find(self, business_id: UUID, email: str, reference: str) -> FoundLink | None:
        """Return the link of the customer's appointment with this reference. Raises SchedulingError."""
        for customer_id in self._auth.customers_with_email(business_id, email, _MOST_CUSTOMERS):
            for each in self._appointments(business_id, customer_id):
                if reference_of(each.appointment_id) == reference:
                    token = self._links.appointment_token(business_id, customer_id, each.appointment_id)
                    url = manage_url(self._public_url, token)
                    return FoundLink(customer_id, each.offering_name, each.starts_at, each.zone, url)
        return None

    def _appointments(self, business_id: UUID, customer_id: UUID) -> tuple[Appointment, ...]:
        actor = Actor("customer", customer_id)
        context = CallContext(business_id, actor, Deadline.after(_SECONDS), new_trace(None, None))
        request = ListAppointments(customer_id=customer_id, limit=_MOST_APPOINTMENTS)
        return self._port.list_appointments(context, request).appointments
