"""Every adapter reports the same first error: deadline, key, values, actor, then the rest."""

from uuid import uuid4

from contracts.chassis.deadline import Deadline
from contracts.scheduling import models as m
from contracts.scheduling.context import CallContext
from contracts.scheduling.errors import AppointmentNotFound, DeadlineExceeded, Forbidden, InvalidRequest
from tests.contract.port.samples import spoilt
from tests.contract.port.shop import Caller, Shop, refused


def test_first_error_in_order_is_reported(shop: Shop) -> None:
    absent = m.Cancel(appointment_id=uuid4())
    wrong = spoilt(absent, reason="a\nb")
    trace, later = shop.staff.reads().trace, Deadline.after(10)

    def asked(deadline: Deadline, key: str | None, caller: Caller) -> CallContext:
        return CallContext(caller.business_id, caller.actor, deadline, trace, key)

    with refused(DeadlineExceeded):
        shop.port.cancel(asked(Deadline.after(-1), None, shop.anonymous), wrong)
    with refused(InvalidRequest, field="Idempotency-Key"):
        shop.port.cancel(asked(later, None, shop.anonymous), wrong)
    with refused(InvalidRequest, field="reason"):
        shop.port.cancel(asked(later, "key", shop.anonymous), wrong)
    with refused(Forbidden):
        shop.port.cancel(asked(later, "key", shop.anonymous), absent)
    with refused(AppointmentNotFound):
        shop.port.cancel(asked(later, "key", shop.staff), absent)
