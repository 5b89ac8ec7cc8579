"""The engine and the modules on a URL that leads to a pooler."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from uuid_utils.compat import uuid7

from contracts.scheduling.errors import SlotUnavailable
from monolith.modules.scheduling.adapters.in_process import in_process_scheduling
from tests.contract.port.shop import Caller, at, customer_of, open_shop
from tests.databases import Databases
from tests.site import auth_site


def use_engine_and_modules(databases: Databases, pooled_url: str) -> None:
    """Book the same times as four customers at once, then sign up twice. Fails unless each is done exactly once."""
    port = in_process_scheduling(pooled_url, databases.role_secret, pool_size=4)
    shop = open_shop(port, uuid7())
    callers = [customer_of(shop.business_id) for _ in range(4)]

    def book_in_turn(caller: Caller) -> int:
        """Try to book the same three times as all others; return how many were booked."""
        booked = 0
        for hour in (9, 10, 11):
            with suppress(SlotUnavailable):
                shop.book(at(hour), caller)
                booked += 1
        return booked

    with ThreadPoolExecutor(len(callers)) as threads:
        assert sum(threads.map(book_in_turn, callers)) == 3
    with auth_site(databases.replacing(monolith_url=pooled_url), scheduling=port) as site:
        client = site.client()
        assert client.sign_up("salon").status_code == 201
        assert client.get("/me").status_code == 200
        assert client.sign_up("salon", "another@salon.example").status_code == 409, "a transaction was rolled back"
        assert client.get("/me").status_code == 200
