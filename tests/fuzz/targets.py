"""Functions that the fuzzers call with arbitrary bytes. A target raises only for a broken promise."""

import signal
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from icalendar import Calendar
from msgspec.structs import replace

from contracts.scheduling import codec
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.events import AppointmentBooked, MalformedEvent, decode_event, encode_event
from contracts.scheduling.models import Appointment
from contracts.scheduling.port import OPERATIONS
from monolith.modules.calendars.busy_times import CalendarRejected, busy_times
from monolith.modules.calendars.intervals import merged
from monolith.modules.notifications.invitation import invitation
from monolith.modules.notifications.mail_text import one_line

Target = Callable[[bytes], None]
CORPUS = Path(__file__).with_name("corpus")
"""One folder of inputs for each target."""
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Casablanca")
_LONGEST_LINE = 75
_FLAT = [operation for operation in OPERATIONS if "{" not in operation.path]
"""The operations whose fields are all in the body or the query."""
_WINDOW = (datetime(2030, 3, 25, tzinfo=UTC), datetime(2030, 4, 25, tzinfo=UTC))
_ID, _AT = UUID(int=7), datetime(2030, 1, 1, 9, tzinfo=UTC)
SAMPLE = AppointmentBooked(
    event_id=_ID,
    business_id=_ID,
    business_name="Salon",
    business_zone="UTC",
    epoch=1,
    occurred_at=_AT,
    appointment=Appointment(
        appointment_id=_ID,
        offering_id=_ID,
        offering_name="Cut",
        provider_id=_ID,
        provider_name="Ada",
        customer_id=_ID,
        starts_at=_AT,
        ends_at=_AT,
        zone="UTC",
        status="booked",
        version=1,
        note="",
        booked_at=_AT,
    ),
)


def decode_a_request(data: bytes) -> None:
    """A request is refused by a contract error, or means the same after another round trip."""
    if len(data) < 2:
        return
    operation = _FLAT[data[0] % len(_FLAT)]
    query = "" if operation.writes else data[1:].decode("latin-1")
    try:
        request = codec.decode_request(operation, {}, query, data[1:] if operation.writes else b"")
    except SchedulingError:
        return
    wire = codec.encode_request(operation, request)
    again = codec.decode_request(operation, {}, wire.target.partition("?")[2], wire.body or b"")
    assert again == request, (request, again)


def decode_a_reply(data: bytes) -> None:
    """A reply is malformed, or means the same after another round trip; so is an error, or it is a contract error."""
    if len(data) < 2:
        return
    operation = OPERATIONS[data[0] % len(OPERATIONS)]
    with suppress(codec.MalformedReply):
        assert isinstance(codec.decode_error(400 + data[0] % 200, data[1:]), SchedulingError)
    try:
        reply = codec.decode_reply(operation, data[1:])
    except codec.MalformedReply:
        return
    assert codec.decode_reply(operation, codec.encode_reply(reply)) == reply


def decode_an_event(data: bytes) -> None:
    """An event is malformed, or means the same after another round trip."""
    try:
        event = decode_event(data)
    except MalformedEvent:
        return
    assert decode_event(encode_event(event)) == event


def write_a_calendar_entry(data: bytes) -> None:
    """Any names give one entry that a calendar reads back, in lines of at most 75 octets."""
    if len(data) < 8:
        return
    event = _event(data)
    calendar = invitation([event], organizer="salon@example.test", attendee="guest@example.test")
    for line in calendar.split(b"\r\n"):
        assert len(line) <= _LONGEST_LINE, line
        assert b"\n" not in line, line
    entry: Any
    [entry] = Calendar.from_ical(calendar).walk("VEVENT")
    appointment = event.appointment
    assert entry["SUMMARY"] == one_line(f"{appointment.offering_name} with {appointment.provider_name}")
    assert entry["LOCATION"] == one_line(event.business_name)
    for name, moment in (("DTSTART", appointment.starts_at), ("DTEND", appointment.ends_at)):
        assert entry[name].dt == moment, (name, moment)


def read_busy_times(data: bytes) -> None:
    """A file is rejected, or has disjoint busy times inside the window. The product limits its processor time, too."""
    try:
        with _limited_processor_time():
            found = busy_times(data, "Europe/Lisbon", _WINDOW[0], _WINDOW[1])
    except (CalendarRejected, _TakesTooLong):
        return
    assert found == merged(found)
    assert all(first < last and first < _WINDOW[1] and last > _WINDOW[0] for first, last in found), found


class _TakesTooLong(BaseException):
    """A BaseException, so that no target catches it."""


@contextmanager
def _limited_processor_time() -> Iterator[None]:
    """Raise _TakesTooLong in the block after a second. A recurrence rule may describe events without end."""

    def interrupt(*_: object) -> None:
        raise _TakesTooLong

    before = signal.signal(signal.SIGVTALRM, interrupt)
    signal.setitimer(signal.ITIMER_VIRTUAL, 1.0)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


def _event(data: bytes) -> AppointmentBooked:
    zone, start = ZONES[data[0] % len(ZONES)], int.from_bytes(data[1:4])
    starts_at = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=start % (4 * 366 * 24 * 60))
    offering, provider, business = _texts(data[4:], 3)
    appointment = replace(
        SAMPLE.appointment,
        offering_name=offering,
        provider_name=provider,
        zone=zone,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(minutes=1 + data[0]),
    )
    return replace(SAMPLE, business_name=business, appointment=appointment)


def _texts(data: bytes, count: int) -> Iterator[str]:
    """Split the bytes into texts as the models allow them: not empty, without control characters."""
    size = max(1, len(data) // count)
    for number in range(count):
        text = data[number * size : (number + 1) * size].decode(errors="replace")
        yield "".join(sign for sign in text if sign.isprintable()).strip()[:200] or "x"


TARGETS: Mapping[str, Target] = {
    "requests": decode_a_request,
    "replies": decode_a_reply,
    "events": decode_an_event,
    "calendar": write_a_calendar_entry,
    "imports": read_busy_times,
}
