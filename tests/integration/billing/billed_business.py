"""A business for billing tests: its bookings as events, and its invoices."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import psycopg
from msgspec.structs import replace

from contracts.scheduling.events import (
    AnyEvent,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentNoShow,
    AppointmentRescheduled,
    Event,
)
from contracts.scheduling.models import Appointment
from monolith.modules.billing.api import (
    BillingApi,
    Invoice,
    InvoicesQuery,
    InvoiceSummary,
    Payment,
    RecordPayment,
    SetPrice,
)
from monolith.shared.database import ModuleDatabase, new_id
from monolith.shared.endpoints import BusinessRef

Admin = psycopg.Connection[tuple[object, ...]]


@dataclass
class Books:
    """One business as billing sees it. `tell` runs the event handler in a transaction, like the consumer."""

    database: ModuleDatabase
    api: BillingApi
    business_id: UUID = field(default_factory=new_id)
    offering_id: UUID = field(default_factory=new_id)
    staff_id: UUID = field(default_factory=new_id)

    @property
    def business(self) -> BusinessRef:
        return BusinessRef(self.business_id, "salon", "Salon", "Europe/Zurich", "CHF")

    def of_another_business(self) -> "Books":
        """Return the books of a second business in the same database."""
        return Books(self.database, self.api)

    def price(self, amount_minor: int, currency: str = "CHF", offering_id: UUID | None = None) -> None:
        wanted = SetPrice(offering_id=offering_id or self.offering_id, amount_minor=amount_minor)
        self.api.set_price(self.business_id, currency, wanted, self.staff_id)

    def tell(self, event: AnyEvent) -> None:
        with self.database.transaction(event.business_id) as connection:
            self.api.handle([event], connection)

    def booked(
        self,
        *,
        customer_id: UUID | None = None,
        booked_at: datetime | None = None,
        seats: int = 1,
        version: int = 1,
    ) -> AppointmentBooked:
        """Return the event of an appointment that is booked now; `version` is later after a hold or a request."""
        moment = booked_at or datetime.now(UTC)
        starts_at = moment + timedelta(days=2)
        appointment = Appointment(
            appointment_id=new_id(),
            offering_id=self.offering_id,
            offering_name="Cut & <b>dye</b>",
            provider_id=new_id(),
            provider_name="Ada",
            customer_id=customer_id or new_id(),
            starts_at=starts_at,
            ends_at=starts_at + timedelta(minutes=30),
            zone="Europe/Zurich",
            status="booked",
            version=version,
            note="",
            booked_at=moment,
            seats=seats,
        )
        return AppointmentBooked(**self._envelope(), appointment=appointment)

    def cancelled(self, booked: AppointmentBooked, *, fee_percent: int = 0) -> AppointmentCancelled:
        appointment = replace(
            booked.appointment,
            status="cancelled",
            version=booked.version + 1,
            cancelled_at=datetime.now(UTC),
            cancelled_in_time=fee_percent == 0,
            fee_percent=fee_percent,
        )
        return AppointmentCancelled(**self._envelope(), appointment=appointment)

    def no_show(self, booked: AppointmentBooked, *, fee_percent: int) -> AppointmentNoShow:
        appointment = replace(booked.appointment, status="no_show", version=booked.version + 1, fee_percent=fee_percent)
        return AppointmentNoShow(**self._envelope(), appointment=appointment)

    def rescheduled(
        self, before: AppointmentBooked | AppointmentRescheduled, *, fee_percent: int = 0
    ) -> AppointmentRescheduled:
        stood = before.appointment
        appointment = replace(stood, version=before.version + 1, starts_at=stood.starts_at + timedelta(hours=1))
        return AppointmentRescheduled(
            **self._envelope(),
            appointment=appointment,
            previous_starts_at=stood.starts_at,
            previous_provider_id=stood.provider_id,
            fee_percent=fee_percent,
        )

    def happened(self, kind: type[Event], appointment: Appointment) -> Any:
        """Return an event without fields of its own."""
        return kind(**self._envelope(), appointment=appointment)

    def invoice(self, booked: AppointmentBooked) -> Invoice | None:
        """Return the invoice for the price of the appointment."""
        found = [each for each in self.invoices(booked) if each.subject == "appointment"]
        return self.api.invoice(self.business_id, found[0].number) if found else None

    def fees(self, booked: AppointmentBooked) -> list[int]:
        """Return the fees for late changes of the appointment, in the order of their invoices."""
        return [each.total_minor for each in reversed(self.invoices(booked)) if each.subject == "late_change"]

    def invoices(self, booked: AppointmentBooked) -> tuple[InvoiceSummary, ...]:
        """Return all invoices of the appointment, newest first."""
        query = InvoicesQuery(appointment_id=booked.appointment.appointment_id)
        return self.api.invoices(self.business_id, query).invoices

    def charge(self, amount_minor: int = 5_000) -> Invoice:
        """Return a new invoice."""
        self.price(amount_minor)
        booked = self.booked()
        self.tell(booked)
        invoice = self.invoice(booked)
        assert invoice is not None
        return invoice

    def pay(self, number: int, amount_minor: int, key: str | None = None) -> Payment:
        wanted = RecordPayment(amount_minor=amount_minor)
        return self.api.record_payment(self.business_id, number, wanted, self.staff_id, key or uuid4().hex)

    def numbers(self) -> list[int]:
        """Return the numbers of all invoices, in ascending order."""
        page = self.api.invoices(self.business_id, InvoicesQuery(limit=200))
        assert page.next_cursor is None
        return sorted(invoice.number for invoice in page.invoices)

    def _envelope(self) -> dict[str, Any]:
        return {
            "event_id": new_id(),
            "business_id": self.business_id,
            "business_name": "Salon",
            "business_zone": "Europe/Zurich",
            "epoch": 1,
            "occurred_at": datetime.now(UTC),
        }
