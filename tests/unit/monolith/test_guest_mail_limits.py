"""Selection of the requests that are charged to a guest's mailbox."""

from datetime import UTC, datetime
from typing import Any, cast
from uuid import UUID, uuid4

import pytest

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import new_trace
from contracts.scheduling import models as m
from contracts.scheduling.context import Actor, ActorKind, CallContext
from contracts.scheduling.operations import operation_of
from contracts.scheduling.port import OPERATIONS, SchedulingPort
from monolith.modules.auth.api import AuthApi
from monolith.modules.scheduling.guest_mail_limits import MOVES, GuestMailLimits, mails_of
from monolith.modules.scheduling.rate_limits import LIMITED
from monolith.shared.database import DatabaseUnavailable

NINE, ID = datetime(2035, 5, 7, 9, tzinfo=UTC), uuid4()
BOOK = m.Book(offering_id=ID, customer_id=ID, starts_at=NINE)
SERIES: dict[str, Any] = {"offering_id": ID, "provider_id": ID, "customer_id": ID, "starts_at": NINE}
WEEKLY = m.Recurrence(every="week", count=52)
VISIT = m.BookVisit(customer_id=ID, starts_at=NINE, items=(m.VisitItem(offering_id=ID),) * 3)
MOVE = m.Reschedule(appointment_id=ID, starts_at=NINE, expected_version=1)
SILENT = m.Reschedule(appointment_id=ID, starts_at=NINE, expected_version=1, notify=False)
MOVE_SERIES = m.RescheduleSeries(series_id=ID, from_appointment_id=ID, starts_at=NINE)


def context(kind: ActorKind) -> CallContext:
    return CallContext(uuid4(), Actor(kind, uuid4()), Deadline.after(5), new_trace(None, None), "key")


@pytest.mark.parametrize(
    ("request_", "staff", "customer"),
    [
        (BOOK, 1, 0),
        (VISIT, 3, 0),
        (m.BookSeries(**SERIES, recurrence=WEEKLY), 1, 0),
        (m.BookSeries(**SERIES, recurrence=WEEKLY, dry_run=True), 0, 0),
        (MOVE, 1, 1),
        (SILENT, 0, 0),
        (MOVE_SERIES, 1, 1),
        (m.Cancel(appointment_id=ID), 0, 0),
        (m.CancelSeries(series_id=ID, from_appointment_id=ID), 0, 0),
        (m.Approve(appointment_id=ID), 0, 0),
    ],
)
def test_mails_of_requests(request_: object, staff: int, customer: int) -> None:
    assert (mails_of(context("staff"), request_), mails_of(context("customer"), request_)) == (staff, customer)


def test_charged_operations_exist_and_are_not_charged_twice() -> None:
    assert {operation.name for operation in OPERATIONS} >= MOVES
    assert not LIMITED & MOVES


class Answering(SchedulingPort):
    def __init__(self) -> None:
        self.calls: list[str] = []

    def call(self, operation: Any, ctx: CallContext, request: Any) -> Any:
        self.calls.append(operation.name)


class Unreachable:
    """Accounts whose database does not answer."""

    def charge_guest_mails(self, business_id: UUID, customer_id: UUID, mails: int) -> None:
        raise DatabaseUnavailable("auth", 1.0)


def test_outage_of_the_accounts_prevents_no_booking() -> None:
    port = Answering()
    limited = GuestMailLimits(port, cast(AuthApi, Unreachable()))
    limited.call(operation_of(SchedulingPort.book), context("staff"), BOOK)
    assert port.calls == ["book"]
