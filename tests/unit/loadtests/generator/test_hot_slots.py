"""Hot slots are few, and their popularity follows Zipf's law."""

from collections import Counter
from random import Random

from loadtests.generator.hot_slots import Contention, HotSlots

CONTENTION = Contention(contenders=8, zipf=1.1, retries=2)


def test_number_of_slots_follows_from_the_bookings() -> None:
    slots = HotSlots[str](CONTENTION, bookings=80)
    slots.add(f"slot {number}" for number in range(50))
    assert len(slots.slots) == 10


def test_repeated_offers_count_once() -> None:
    slots = HotSlots[str](CONTENTION, bookings=16)
    slots.add(["nine", "nine"])
    slots.add(["ten", "eleven"])
    assert slots.slots == ["nine", "ten"]


def test_nothing_is_chosen_before_an_offer() -> None:
    assert HotSlots[str](CONTENTION, bookings=16).choose(Random(1)) is None


def test_second_slot_is_chosen_as_often_as_zipfs_law_predicts() -> None:
    slots = HotSlots[int](CONTENTION, bookings=80)
    slots.add(range(10))
    chosen, chance = Counter[int](), Random(1)
    for _ in range(20_000):
        found = slots.choose(chance)
        assert found is not None
        chosen[found] += 1
    assert 1.9 < chosen[0] / chosen[1] < 2.4  # 2 to the power of 1.1 is 2.14
