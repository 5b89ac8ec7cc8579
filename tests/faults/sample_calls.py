"""A read and a write, for tests whose peer ignores the request."""

from uuid import uuid4

from contracts.scheduling import models as m
from contracts.scheduling.context import Actor
from contracts.scheduling.port import SchedulingPort
from tests.contract.port.shop import Caller, at
from tests.faults.scripted_server import answer

STAFF = Caller(uuid4(), Actor("staff", uuid4()))
BOOKING = m.Book(offering_id=uuid4(), provider_id=uuid4(), customer_id=uuid4(), starts_at=at(9))
OFFERINGS = answer("200 OK", b'{"offerings": []}')


def read(port: SchedulingPort, seconds: float = 2) -> m.Offerings:
    return port.list_offerings(STAFF.reads(seconds), m.ListOfferings())


def book(port: SchedulingPort, key: str | None = None, seconds: float = 2) -> m.Appointment:
    return port.book(STAFF.writes(key, seconds), BOOKING)
