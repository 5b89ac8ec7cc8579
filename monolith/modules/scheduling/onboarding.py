"""Opening of new businesses in scheduling, and changes of their names and zones."""

from collections.abc import Callable
from uuid import uuid4

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.errors import SchedulingError
from contracts.scheduling.models import OpenBusiness, UpdateBusiness
from contracts.scheduling.port import SchedulingPort
from monolith.modules.auth.api import OpeningFailed
from monolith.shared.endpoints import BusinessRef


def business_opener(port: SchedulingPort) -> Callable[[BusinessRef, Trace, Deadline], None]:
    """Return a function that opens a business through the port.

    It is idempotent, since the business determines the idempotency key. It raises OpeningFailed.
    """

    def open_business(business: BusinessRef, trace: Trace, deadline: Deadline) -> None:
        key = f"open-{business.business_id}"
        context = CallContext(business.business_id, SYSTEM, deadline, trace, key)
        try:
            port.open_business(context, OpenBusiness(name=business.name, zone=business.zone))
        except SchedulingError as error:
            raise OpeningFailed(error.message) from error

    return open_business


def business_updater(port: SchedulingPort) -> Callable[[BusinessRef, Trace, Deadline], None]:
    """Return a function that sends the current name and zone of a business to scheduling. It raises SchedulingError."""

    def update_business(business: BusinessRef, trace: Trace, deadline: Deadline) -> None:
        # The request states the whole result, so a new key for each call repeats it without harm.
        context = CallContext(business.business_id, SYSTEM, deadline, trace, uuid4().hex)
        port.update_business(context, UpdateBusiness(name=business.name, zone=business.zone))

    return update_business
