"""What a feed shows: the appointments of a provider or of a customer as iCalendar objects (RFC 5545, RFC 7986)."""

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from uuid import UUID

from msgspec.structs import replace

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from contracts.scheduling import models as m
from contracts.scheduling.context import Actor, ActorKind, CallContext
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import AuthApi
from monolith.modules.calendars.feed_models import Feed
from monolith.modules.calendars.intervals import Interval, merged
from monolith.shared.endpoints import BusinessRef
from monolith.shared.icalendar_lines import calendar_object, text_line, utc
from monolith.shared.localization import Language, texts

PAST = timedelta(days=30)
FUTURE = timedelta(days=365)
FREE_BUSY = timedelta(days=60)
MOST_ENTRIES = 2000
_SHOWN: tuple[m.AppointmentStatus, ...] = ("pending", "booked", "completed", "no_show")
_STATUS = {"pending": "TENTATIVE"}
_PAGE = 200


class FeedContents:
    """Reads scheduling as the feed's creator; `now` is the clock."""

    def __init__(
        self,
        port: SchedulingPort,
        auth: AuthApi,
        public_url: str,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._port = port
        self._auth = auth
        self._public_url = public_url
        self._now = now

    def calendar(self, business: BusinessRef, feed: Feed, trace: Trace, deadline: Deadline) -> bytes:
        """Return the appointments from 30 days ago to a year ahead. Raises SchedulingError.

        An appointment keeps its UID, and its SEQUENCE grows with each change, as in the mails about it. A cancelled
        appointment is left out, which removes it from a calendar that subscribes to the feed.
        """
        context = _context(business, feed, trace, deadline)
        now = self._now()
        found = self._appointments(context, feed, now - PAST, now + FUTURE)
        names: Mapping[UUID, str] = {}
        if feed.provider_id is not None and feed.detail == "full":
            names = self._auth.customer_names(business.business_id, {each.customer_id for each in found})
        reader = self._auth.user(feed.created_by)
        language = (reader.language if reader else None) or business.details.language
        title = f"{business.name}: {feed.name}"
        lines = [
            text_line("NAME", title),
            text_line("X-WR-CALNAME", title),
            "REFRESH-INTERVAL;VALUE=DURATION:PT1H",
            "X-PUBLISHED-TTL:PT1H",
        ]
        for appointment in found:
            lines += self._entry(business, feed, appointment, names, language)
        return calendar_object("calendars", lines)

    def free_busy(self, business: BusinessRef, feed: Feed, trace: Trace, deadline: Deadline) -> bytes:
        """Return the busy times of the next 60 days, blocked times of a provider included. Raises SchedulingError."""
        context = _context(business, feed, trace, deadline)
        now = self._now().replace(microsecond=0)
        end = now + FREE_BUSY
        # An appointment that began earlier may still run.
        found = self._appointments(context, feed, now - timedelta(days=1), end)
        times = [(each.starts_at, each.ends_at) for each in found if each.status in ("pending", "booked")]
        if feed.provider_id is not None:
            times += self._blocked(context, feed.provider_id, now, end)
        lines = ["BEGIN:VFREEBUSY", f"UID:{feed.feed_id}", f"DTSTAMP:{utc(now)}", f"DTSTART:{utc(now)}"]
        lines.append(f"DTEND:{utc(end)}")
        for first, last in merged([(max(first, now), min(last, end)) for first, last in times if last > now]):
            lines.append(f"FREEBUSY;FBTYPE=BUSY:{utc(first)}/{utc(last)}")
        return calendar_object("calendars", [*lines, "END:VFREEBUSY"])

    def _appointments(self, context: CallContext, feed: Feed, start: datetime, end: datetime) -> list[m.Appointment]:
        customer = feed.created_by if feed.provider_id is None else None
        wanted = m.ListAppointments(
            provider_id=feed.provider_id, customer_id=customer, statuses=_SHOWN, start=start, end=end, limit=_PAGE
        )
        found: list[m.Appointment] = []
        while True:
            page = self._port.list_appointments(context, wanted)
            found += page.appointments
            if page.next_cursor is None or len(found) >= MOST_ENTRIES:
                return found
            wanted = replace(wanted, cursor=page.next_cursor)

    def _blocked(self, context: CallContext, provider_id: UUID, start: datetime, end: datetime) -> list[Interval]:
        wanted, found = m.ListBlocks(start=start, end=end, limit=_PAGE), list[m.Block]()
        while True:
            page = self._port.list_blocks(context, wanted)
            found += page.blocks
            if page.next_cursor is None:
                break
            wanted = replace(wanted, cursor=page.next_cursor)
        return [
            (each.start, each.end)
            for each in found
            if each.resource_id is None and each.provider_id in (None, provider_id)
        ]

    def _entry(
        self,
        business: BusinessRef,
        feed: Feed,
        appointment: m.Appointment,
        names: Mapping[UUID, str],
        language: Language,
    ) -> Iterator[str]:
        yield "BEGIN:VEVENT"
        yield text_line("SUMMARY", _summary(feed, appointment, names, language))
        yield f"DTSTART:{utc(appointment.starts_at)}"
        yield f"DTEND:{utc(appointment.ends_at)}"
        yield f"DTSTAMP:{utc(appointment.booked_at)}"
        yield f"UID:{appointment.appointment_id}"
        yield f"SEQUENCE:{appointment.version - 1}"
        if feed.detail == "full":
            if appointment.note:
                yield text_line("DESCRIPTION", appointment.note)
            yield text_line("LOCATION", _place(business))
            yield f"URL:{self._link(business, feed, appointment)}"
        yield f"STATUS:{_STATUS.get(appointment.status, 'CONFIRMED')}"
        yield "END:VEVENT"

    def _link(self, business: BusinessRef, feed: Feed, appointment: m.Appointment) -> str:
        if feed.provider_id is None:
            return f"{self._public_url}/appointments/{business.business_id}"
        return f"{self._public_url}/office/appointments/{business.business_id}/{appointment.appointment_id}"


def _context(business: BusinessRef, feed: Feed, trace: Trace, deadline: Deadline) -> CallContext:
    kind: ActorKind = "customer" if feed.provider_id is None else "staff"
    return CallContext(business.business_id, Actor(kind, feed.created_by), deadline, trace)


def _summary(feed: Feed, appointment: m.Appointment, names: Mapping[UUID, str], language: Language) -> str:
    if feed.detail == "busy":
        return texts(language).gettext("Busy")
    if feed.provider_id is None:
        values = {"service": appointment.offering_name, "provider": appointment.provider_name}
        return texts(language).gettext("%(service)s with %(provider)s") % values
    customer = names.get(appointment.customer_id)
    return f"{appointment.offering_name}: {customer}" if customer else appointment.offering_name


def _place(business: BusinessRef) -> str:
    address = " ".join(business.details.address.split())
    return f"{business.name}, {address}" if address else business.name
