"""The cache of businesses by slug: notices, duration and size."""

import time

from monolith.shared.database import DatabaseUnavailable, new_id
from monolith.shared.endpoints import BusinessRef
from monolith.shared.endpoints.business_cache import BusinessCache
from monolith.shared.flags.change_listener import ChangeNotice


class Register:
    """Counts lookups."""

    def __init__(self) -> None:
        self.businesses: dict[str, BusinessRef] = {}
        self.asked = 0
        self.available = True

    def add(self, slug: str, name: str = "") -> None:
        self.businesses[slug] = BusinessRef(new_id(), slug, name, "UTC", "EUR")

    def find(self, slug: str) -> BusinessRef | None:
        self.asked += 1
        if not self.available:
            raise DatabaseUnavailable("gone", 1)
        return self.businesses.get(slug)

    def notice(self, slug: str) -> ChangeNotice:
        return ChangeNotice("business", str(self.businesses[slug].business_id))


def test_without_notices_a_business_is_cached_for_a_while() -> None:
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


def test_with_notices_a_business_is_cached_until_one_concerns_it() -> None:
    register = Register()
    for slug in ("salon", "garage"):
        register.add(slug)
    known = BusinessCache(register.find, is_notified=lambda: True, seconds=0)
    for _ in range(3):
        assert known.get("salon") == register.businesses["salon"]
        assert known.get("garage") == register.businesses["garage"]
    assert register.asked == 2

    known.invalidate(ChangeNotice("flag", "*"))
    known.invalidate(register.notice("salon"))
    known.get("garage")
    assert register.asked == 2
    known.get("salon")
    assert register.asked == 3

    known.invalidate(None)
    assert (known.get("salon"), known.get("garage")) == tuple(register.businesses.values())
    assert register.asked == 5


def test_row_that_changes_while_it_is_read_is_read_again() -> None:
    register = Register()
    register.add("salon", "before")

    def find(slug: str) -> BusinessRef | None:
        found = register.find(slug)
        if register.asked == 1:
            notice = register.notice(slug)
            register.add(slug, "after")
            known.invalidate(notice)
        return found

    known = BusinessCache(find, is_notified=lambda: True)
    assert [found.name for found in (known.get("salon"), known.get("salon")) if found] == ["before", "after"]


def test_lost_notices_end_the_validity_of_old_entries() -> None:
    register = Register()
    register.add("salon", "before")
    notified = True
    known = BusinessCache(register.find, is_notified=lambda: notified, seconds=0)
    known.get("salon")
    register.add("salon", "after")
    notified = False
    assert known.get("salon") == register.businesses["salon"]


def test_outdated_entry_is_used_while_the_database_is_unavailable() -> None:
    register = Register()
    register.add("salon")
    known = BusinessCache(register.find, is_notified=lambda: True)
    known.get("salon")
    register.available = False
    known.invalidate(None)
    assert known.get("salon") == register.businesses["salon"]


def test_unknown_business_is_not_cached() -> None:
    register = Register()
    known = BusinessCache(register.find, is_notified=lambda: True)
    assert known.get("salon") is None
    register.add("salon")
    assert known.get("salon") is not None


def test_renamed_business_is_unknown_under_its_old_slug() -> None:
    register = Register()
    register.add("salon")
    known = BusinessCache(register.find, is_notified=lambda: True)
    known.get("salon")
    notice = register.notice("salon")
    register.businesses["hairdresser"] = register.businesses.pop("salon")
    known.invalidate(notice)
    assert known.get("salon") is None
    assert known.get("hairdresser") is not None


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
