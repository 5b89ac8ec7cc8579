"""Web calendars into which the customer can put an appointment."""

from dataclasses import dataclass
from urllib.parse import urlencode

from contracts.scheduling import models as m
from monolith.shared.endpoints import BusinessRef
from monolith.web.language import gettext


@dataclass(frozen=True)
class CalendarLink:
    label: str
    address: str


def web_calendars(business: BusinessRef, appointment: m.Appointment) -> list[CalendarLink]:
    """Return the addresses with which the best-known web calendars add an appointment."""
    title = gettext("%(service)s at %(business)s", service=appointment.offering_name, business=business.name)
    place = business.details.address or business.name
    begins, ends = appointment.starts_at, appointment.ends_at
    dates = f"{begins:%Y%m%dT%H%M%SZ}/{ends:%Y%m%dT%H%M%SZ}"
    google = {"action": "TEMPLATE", "text": title, "dates": dates, "location": place}
    outlook = {
        "path": "/calendar/action/compose",
        "rru": "addevent",
        "subject": title,
        "startdt": f"{begins:%Y-%m-%dT%H:%M:%SZ}",
        "enddt": f"{ends:%Y-%m-%dT%H:%M:%SZ}",
        "location": place,
    }
    return [
        CalendarLink("Google Calendar", f"https://calendar.google.com/calendar/render?{urlencode(google)}"),
        CalendarLink("Outlook", f"https://outlook.live.com/calendar/0/deeplink/compose?{urlencode(outlook)}"),
    ]
