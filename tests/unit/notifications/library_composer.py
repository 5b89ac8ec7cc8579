"""The mail as the libraries compose it, for comparison with the product's composer."""

from datetime import UTC
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP

from icalendar import Calendar, Event, vCalAddress, vText

from contracts.scheduling.events import AnyEvent
from monolith.modules.notifications.invitation import method
from monolith.modules.notifications.mail import Notification, SenderIdentity, html_text, plain_text
from monolith.modules.notifications.mail_text import mail_text, one_line
from monolith.modules.notifications.model import FOR_THE_BUSINESS, Recipient
from monolith.shared.localization import Language

WITH_INVITATION = ("confirmation", "change", "cancellation", "reminder")
WITH = {"en": "with", "de": "bei"}
STATUS = {"cancelled": "CANCELLED", "pending": "TENTATIVE"}


def library_mail(notification: Notification, recipient: Recipient, sender: SenderIdentity) -> EmailMessage:
    """Compose with `email.message.EmailMessage`."""
    events = notification.events
    business_id, appointment_id = events[0].business_id, events[0].appointment.appointment_id
    for_business = notification.kind in FOR_THE_BUSINESS
    url = sender.office_url(business_id, appointment_id) if for_business else sender.customer_url(events[0])
    text = mail_text(
        notification.kind, events, recipient.name, url, place=events[0].business_name, language=notification.language
    )
    mail = EmailMessage(policy=SMTP)
    mail["From"] = Address(one_line(events[0].business_name), addr_spec=sender.address)
    mail["To"] = Address(one_line(recipient.name), addr_spec=recipient.email)
    mail["Subject"] = text.subject
    mail["Message-ID"] = f"<{notification.message_id}@{sender.domain}>"
    mail["Date"] = notification.created_at
    mail["Auto-Submitted"] = "auto-generated"
    mail.set_content(plain_text(text), cte="quoted-printable")
    mail.add_alternative(html_text(text), subtype="html")
    if notification.kind in WITH_INVITATION:
        mail.add_attachment(
            library_invitation(notification, organizer=sender.address, attendee=recipient.email).decode(),
            subtype="calendar",
            filename="appointment.ics",
            params={"method": method(events)},
        )
    return mail


def library_invitation(notification: Notification, *, organizer: str, attendee: str) -> bytes:
    """Compose with `icalendar`."""
    events = notification.events
    calendar = Calendar()
    calendar.add("prodid", "-//extraction//notifications//EN")
    calendar.add("version", "2.0")
    calendar.add("method", method(events))
    for event in events:
        calendar.add_component(entry(event, organizer, attendee, notification.language))
    ics: bytes = calendar.to_ical()
    return ics


def entry(event: AnyEvent, organizer: str, attendee: str, language: Language) -> Event:
    appointment = event.appointment
    entry = Event()
    entry.add("uid", str(appointment.appointment_id))
    entry.add("sequence", appointment.version - 1)
    entry.add("dtstamp", event.occurred_at)
    entry.add("dtstart", appointment.starts_at.astimezone(UTC))
    entry.add("dtend", appointment.ends_at.astimezone(UTC))
    entry.add("summary", one_line(f"{appointment.offering_name} {WITH[language]} {appointment.provider_name}"))
    entry.add("location", one_line(event.business_name))
    entry.add("status", STATUS.get(appointment.status, "CONFIRMED"))
    entry.add("organizer", person_of(organizer, event.business_name))
    entry.add("attendee", person_of(attendee, None))
    return entry


def person_of(address: str, name: str | None) -> vCalAddress:
    person = vCalAddress(f"mailto:{address}")
    if name is not None:
        person.params["CN"] = vText(one_line(name))
    return person
