"""Permissions of each kind of actor."""

from typing import Any

import pytest

from contracts.scheduling.context import ActorKind
from contracts.scheduling.errors import Forbidden
from contracts.scheduling.port import OPERATIONS
from tests.contract.port.adapters import Adapter
from tests.contract.port.samples import caller_of, samples, standing
from tests.contract.port.shop import Shop, refused

EVERYBODY = {
    "get_business",
    "list_offerings",
    "list_providers",
    "list_holidays",
    "search_slots",
    "next_available",
    "get_overview",
    "search_visits",
}
CUSTOMERS = EVERYBODY | {
    "book",
    "hold",
    "extend_hold",
    "confirm",
    "get_appointment",
    "reschedule",
    "cancel",
    "get_history",
    "book_series",
    "get_series",
    "reschedule_series",
    "cancel_series",
    "book_visit",
    "join_waitlist",
    "leave_waitlist",
    "list_waitlist",
    "list_appointments",
}
STAFF = CUSTOMERS | {
    "create_offering",
    "update_offering",
    "create_provider",
    "update_provider",
    "assign_offerings",
    "set_weekly_hours",
    "set_date_override",
    "list_date_overrides",
    "set_holidays",
    "block_time",
    "remove_block",
    "list_blocks",
    "create_resource",
    "update_resource",
    "list_resources",
    "approve",
    "decline",
    "complete",
    "mark_no_show",
    "get_agenda",
}
SYSTEM = STAFF | {"open_business", "update_business", "settle"}
MAY: dict[ActorKind, set[str]] = {
    "anonymous": EVERYBODY,
    "customer": CUSTOMERS,
    "staff": STAFF,
    "system": SYSTEM,
}


@pytest.mark.parametrize("kind", MAY)
def test_actor_is_limited_to_its_operations(adapter: Adapter, shop: Shop, kind: ActorKind) -> None:
    caller = caller_of(shop, kind)
    requests = samples(shop, standing(adapter, shop))
    for operation in OPERATIONS:
        ctx = caller.writes() if operation.writes else caller.reads()
        call: Any = getattr(shop.port, operation.name)
        if operation.name in MAY[kind]:
            call(ctx, requests[operation.name])
        else:
            with refused(Forbidden):
                call(ctx, requests[operation.name])


def test_customers_book_only_for_themselves(shop: Shop) -> None:
    with refused(Forbidden):
        shop.port.book(shop.customer.writes(), shop.booking(customer_id=shop.stranger.id))
    assert shop.port.book(shop.staff.writes(), shop.booking()).customer_id == shop.customer.id
