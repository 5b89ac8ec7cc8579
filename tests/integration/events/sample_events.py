"""Appointments and their events for tests, and a writer for the outbox."""

from datetime import UTC, datetime, timedelta
from typing import Any, Self
from uuid import UUID, uuid4

import msgspec
import psycopg

from contracts.scheduling.events import (
    AnyEvent,
    AppointmentBooked,
    AppointmentCancelled,
    AppointmentCompleted,
    AppointmentDeclined,
    AppointmentExpired,
    AppointmentHeld,
    AppointmentNoShow,
    AppointmentRequested,
    AppointmentRescheduled,
    encode_event,
)
from contracts.scheduling.models import Appointment
from monolith.shared.database import new_id
from tests.databases import Databases

BUSINESS = UUID("01900000-0000-7000-8000-000000000001")


class Story:
    """An appointment in a week, on the hour; each method returns its next event."""

    def __init__(
        self, *, business_id: UUID = BUSINESS, customer_id: UUID | None = None, starts_at: datetime | None = None
    ) -> None:
        start = starts_at or datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=7)
        self.business_id = business_id
        self.business_name = "Studio Ümlaut"
        self.appointment = Appointment(
            appointment_id=new_id(),
            offering_id=uuid4(),
            offering_name="Haircut",
            provider_id=uuid4(),
            provider_name="Ada",
            customer_id=customer_id or uuid4(),
            starts_at=start,
            ends_at=start + timedelta(minutes=30),
            zone="Europe/Berlin",
            status="booked",
            version=1,
            note="",
            booked_at=datetime.now(UTC),
        )

    def booked(self) -> AppointmentBooked:
        """Return the first event, or the next one after a hold or a request."""
        self._become("booked", hold_expires_at=None)
        return AppointmentBooked(**self._event())

    def held(self, waitlist_entry_id: UUID | None = None) -> AppointmentHeld:
        """Return the first event; an offer with `waitlist_entry_id`."""
        self.with_appointment(status="held", hold_expires_at=self.appointment.starts_at - timedelta(hours=1))
        return AppointmentHeld(**self._event(), waitlist_entry_id=waitlist_entry_id)

    def expired(self) -> AppointmentExpired:
        self._change(status="expired")
        return AppointmentExpired(**self._event())

    def requested(self) -> AppointmentRequested:
        self._become("pending", hold_expires_at=None)
        return AppointmentRequested(**self._event())

    def declined(self, reason: str = "") -> AppointmentDeclined:
        self._change(status="declined", cancel_reason=reason)
        return AppointmentDeclined(**self._event())

    def completed(self) -> AppointmentCompleted:
        self._change(status="completed")
        return AppointmentCompleted(**self._event())

    def missed(self, fee_percent: int) -> AppointmentNoShow:
        self._change(status="no_show", fee_percent=fee_percent)
        return AppointmentNoShow(**self._event())

    def rescheduled(self, by: timedelta = timedelta(days=1)) -> AppointmentRescheduled:
        before = self.appointment
        self._change(starts_at=before.starts_at + by, ends_at=before.ends_at + by)
        return AppointmentRescheduled(
            previous_starts_at=before.starts_at, previous_provider_id=before.provider_id, **self._event()
        )

    def cancelled(self, reason: str = "") -> AppointmentCancelled:
        self._change(status="cancelled", cancelled_at=datetime.now(UTC), cancel_reason=reason, cancelled_in_time=True)
        return AppointmentCancelled(**self._event())

    def with_appointment(self, **changes: object) -> Self:
        self.appointment = msgspec.structs.replace(self.appointment, **changes)
        return self

    def _become(self, status: str, **changes: object) -> None:
        """Change fields of the appointment; before the first event, of its initial state."""
        if self.appointment.status in ("held", "pending") and self.appointment.status != status:
            self._change(status=status, **changes)
        else:
            self.with_appointment(status=status, **changes)

    def _change(self, **changes: object) -> None:
        self.appointment = msgspec.structs.replace(self.appointment, version=self.appointment.version + 1, **changes)

    def _event(self) -> dict[str, Any]:
        return {
            "event_id": new_id(),
            "business_id": self.business_id,
            "business_name": self.business_name,
            "business_zone": "Europe/Berlin",
            "epoch": 1,
            "occurred_at": datetime.now(UTC),
            "appointment": self.appointment,
        }


class OutboxWriter:
    """Writes events like the engine, for a business that this database owns."""

    def __init__(self, admin_url: str) -> None:
        self._url = admin_url
        with psycopg.connect(admin_url) as connection:
            connection.execute(
                "INSERT INTO scheduling.lease (business_id, active, epoch) VALUES (%s, true, 1) ON CONFLICT DO NOTHING",
                (BUSINESS,),
            )

    def write(self, *events: AnyEvent) -> None:
        with self.connect() as connection:
            self.insert(connection, *events)

    def connect(self) -> psycopg.Connection:
        return psycopg.connect(self._url)

    def insert(self, connection: psycopg.Connection, *events: AnyEvent) -> None:
        for event in events:
            connection.execute(
                """
                INSERT INTO scheduling.outbox (business_id, event_id, appointment_id, version, payload)
                VALUES (%s, %s, %s, %s, %s)
                """,
                (
                    event.business_id,
                    event.event_id,
                    event.appointment.appointment_id,
                    event.version,
                    encode_event(event),
                ),
            )

    def unpublished(self) -> int:
        return self._count("published_at IS NULL")

    def kept(self) -> int:
        return self._count("true")

    def _count(self, condition: str) -> int:
        with self.connect() as connection:
            row = connection.execute(f"SELECT count(*) FROM scheduling.outbox WHERE {condition}".encode()).fetchone()
        assert row is not None
        return int(row[0])


def in_process_outbox(databases: Databases) -> OutboxWriter:
    return OutboxWriter(databases.monolith_admin_url)


def http_outbox(databases: Databases) -> OutboxWriter:
    return OutboxWriter(databases.scheduling_admin_url)
