"""The cache of businesses by slug: duration and size."""

import time

from monolith.shared.database import new_id
from monolith.shared.endpoints import BusinessRef
from monolith.shared.endpoints.authorizer import BusinessCache


class Register:
    """Counts lookups."""

    def __init__(self) -> None:
        self.businesses: dict[str, BusinessRef] = {}
        self.asked = 0

    def add(self, slug: str, name: str = "") -> None:
        self.businesses[slug] = BusinessRef(new_id(), slug, name, "UTC", "EUR")

    def find(self, slug: str) -> BusinessRef | None:
        self.asked += 1
        return self.businesses.get(slug)


def test_business_is_cached_for_a_while() -> None:
    register = Register()
    register.add("salon", "before")
    known = BusinessCache(register.find, seconds=0.05)
    assert {known.get("salon") for _ in range(10)} == {register.businesses["salon"]}
    assert register.asked == 1
    register.add("salon", "after")
    time.sleep(0.06)
    found = known.get("salon")
    assert found is not None
    assert found.name == "after"


def test_unknown_business_is_not_cached() -> None:
    register = Register()
    known = BusinessCache(register.find)
    assert known.get("salon") is None
    register.add("salon")
    assert known.get("salon") is not None


def test_cache_size_is_bounded() -> None:
    register = Register()
    known = BusinessCache(register.find, max_entries=3)
    for number in range(10):
        register.add(f"shop-{number}")
        known.get(f"shop-{number}")
    asked = register.asked
    for number in (7, 8, 9):
        known.get(f"shop-{number}")
    assert register.asked == asked
    known.get("shop-0")
    assert register.asked == asked + 1
