"""Appointments as iCalendar files, to be downloaded by their customer."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import uuid4

from contracts.scheduling.events import AppointmentBooked
from contracts.scheduling.models import Appointment
from monolith.modules.notifications.api import calendar_file
from monolith.shared.endpoints import BusinessRef
from monolith.shared.localization import Language


def calendar_of(
    business: BusinessRef, appointments: Iterable[Appointment], public_url: str, language: Language
) -> bytes:
    """Return a file with the present state of the appointments; it has the UIDs of the mails about them."""
    now = datetime.now(UTC)
    events = [
        AppointmentBooked(
            event_id=uuid4(),
            business_id=business.business_id,
            business_name=business.name,
            business_zone=business.zone,
            epoch=1,
            occurred_at=now,
            appointment=each,
        )
        for each in appointments
    ]
    return calendar_file(events, public_url, language)
