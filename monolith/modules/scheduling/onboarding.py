"""Opening a business in scheduling, for whoever signs businesses up."""

from collections.abc import Callable

from contracts.chassis.deadline import Deadline
from contracts.chassis.trace import Trace
from contracts.scheduling.context import SYSTEM, CallContext
from contracts.scheduling.models import OpenBusiness
from contracts.scheduling.port import SchedulingPort
from monolith.shared.endpoints import BusinessRef


def business_opener(port: SchedulingPort) -> Callable[[BusinessRef, Trace, Deadline], None]:
    """Opens a business, once however often it is called: the key is the business's own. Raises SchedulingError."""

    def open_business(business: BusinessRef, trace: Trace, deadline: Deadline) -> None:
        key = f"open-{business.business_id}"
        context = CallContext(business.business_id, SYSTEM, deadline, trace, key)
        port.open_business(context, OpenBusiness(name=business.name, zone=business.zone))

    return open_business
